-- The three tables of the peers, with the columns that our own answers show.
CREATE TABLE users (
    id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
    username VARCHAR(50) NOT NULL UNIQUE,
    full_name VARCHAR(150) NOT NULL,
    -- Hex of SHA-512, of those who have a key to the API.
    token_digest CHAR(128) CHARACTER SET ascii UNIQUE
);
CREATE TABLE posts (
    id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
    public_id CHAR(36) CHARACTER SET ascii NOT NULL UNIQUE,
    author_id INT UNSIGNED NOT NULL,
    status VARCHAR(20) NOT NULL,
    title VARCHAR(150) NOT NULL,
    slug VARCHAR(100) NOT NULL UNIQUE,
    excerpt VARCHAR(300) NOT NULL,
    summary VARCHAR(300) NOT NULL,
    body LONGTEXT NOT NULL,
    body_html LONGTEXT NOT NULL,
    cover_alt VARCHAR(250) NOT NULL DEFAULT '',
    comments_open TINYINT(1) NOT NULL DEFAULT 1,
    published_at DATETIME(6),
    revised_at DATETIME(6) NOT NULL,
    created_at DATETIME(6) NOT NULL,
    FOREIGN KEY (author_id) REFERENCES users (id)
);
CREATE TABLE comments (
    id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
    post_id INT UNSIGNED NOT NULL,
    author_id INT UNSIGNED NOT NULL,
    body LONGTEXT NOT NULL,
    posted_at DATETIME(6) NOT NULL,
    FOREIGN KEY (post_id) REFERENCES posts (id),
    FOREIGN KEY (author_id) REFERENCES users (id)
);
