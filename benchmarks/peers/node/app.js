"use strict";
const crypto = require("node:crypto");
const express = require("express");
const { Sequelize, User, Post, COMMENT_COUNT } = require("./models");

const SITE_URL = process.env.SITE_URL;
const PAGE_SIZE = 10;
const LARGEST_PAGE = 100;
const TEXTS = ["body", "bodyHtml"];
const AUTHOR = { model: User, as: "author", attributes: ["username", "fullName"] };

// Plain rows instead of model instances: nothing here changes what it read.
const READ = { include: [AUTHOR], raw: true, nest: true };

const app = express();
app.disable("x-powered-by");
app.enable("case sensitive routing");

app.get("/api/v1/posts/", async (request, response) => {
  const size = Math.min(Number(request.query.page_size) || PAGE_SIZE, LARGEST_PAGE);
  const before = Number(request.query.before);
  const rows = await Post.findAll({
    ...READ,
    attributes: { exclude: TEXTS, include: [COMMENT_COUNT] },
    where: {
      status: "published",
      ...(before ? { id: { [Sequelize.Op.lt]: before } } : {}),
    },
    order: [["id", "DESC"]],
    limit: size + 1,
  });
  const page = rows.slice(0, size);
  const oldest = page.at(-1);
  const next = `${SITE_URL}/api/v1/posts/?before=${oldest?.id}&page_size=${size}`;
  response.json({
    next: rows.length > size ? next : null,
    previous: null,
    results: page.map(summaryOf),
  });
});

app.get("/api/v1/posts/:slug/", async (request, response) => {
  const post = await Post.findOne({
    ...READ,
    attributes: { include: [COMMENT_COUNT] },
    where: { slug: request.params.slug, status: "published" },
  });
  if (!post) return response.status(404).json({ detail: "Not found." });
  response.json(detailOf(post));
});

app.post("/api/v1/posts/", express.json(), async (request, response) => {
  const author = await authorOf(request);
  if (!author) return response.status(401).json({ detail: "A token is needed." });
  const { title, excerpt = "", body } = request.body;
  if (!title || !body) return response.status(400).json({ detail: "Incomplete." });
  const now = new Date();
  const post = await Post.create({
    authorId: author.id,
    title,
    slug: slugOf(title),
    excerpt,
    summary: excerpt || body.slice(0, 200),
    body,
    bodyHtml: `<p>${escaped(body)}</p>\n`,
    revisedAt: now,
    createdAt: now,
  });
  const row = { ...post.get({ plain: true }), author, commentCount: 0 };
  response.status(201).json(detailOf(row));
});

async function authorOf(request) {
  const [scheme, token] = (request.headers.authorization ?? "").split(" ");
  if (scheme !== "Token" || !token) return null;
  const tokenDigest = crypto.createHash("sha512").update(token).digest("hex");
  return User.findOne({ where: { tokenDigest }, raw: true });
}

function summaryOf(post) {
  return {
    id: post.publicId,
    slug: post.slug,
    url: `${SITE_URL}/blog/${post.slug}/`,
    status: post.status,
    title: post.title,
    excerpt: post.excerpt,
    summary: post.summary,
    author: { username: post.author.username, full_name: post.author.fullName },
    tags: [],
    cover: null,
    cover_alt: post.coverAlt,
    comments_open: Boolean(post.commentsOpen),
    comment_count: post.commentCount,
    published_at: post.publishedAt ?? null,
    revised_at: post.revisedAt,
    created_at: post.createdAt,
  };
}

function detailOf(post) {
  return { ...summaryOf(post), body: post.body, body_html: post.bodyHtml };
}

function slugOf(title) {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 50);
}

function escaped(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

module.exports = app;
