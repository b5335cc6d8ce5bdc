"""What can be refused about posts and comments."""

from accounts.exceptions import InvalidInput, Refusal


class BlogError(Refusal):
    """Base of every refusal by the state of a post or comment."""

    code = "blog_error"


class InvalidTransition(BlogError):
    """The post or comment is not in a status from which this is possible."""

    code = "invalid_transition"


class NothingToPublish(BlogError):
    """A post without text."""

    code = "nothing_to_publish"


class CommentsClosed(BlogError):
    """The post is a draft, or takes no comments any more."""

    code = "comments_closed"


class NoSuchThread(BlogError):
    """The comment to answer belongs to another post, is hidden, or is itself an answer."""

    code = "no_such_thread"


class DuplicateComment(BlogError):
    """The same words by the same person a moment ago: a second click."""

    code = "duplicate_comment"


class TooManyComments(BlogError):
    """The person has written as many this hour as one may."""

    code = "too_many_comments"
    passes = True


class CommentAnswered(BlogError):
    """Deleting the comment would take other people's answers with it."""

    code = "comment_answered"


class InvalidComment(InvalidInput):
    """Empty, or longer than a comment may be."""

    code = "invalid_comment"


class InvalidImage(InvalidInput):
    """No image, one of a kind that is not accepted, or one too large."""

    code = "invalid_image"
