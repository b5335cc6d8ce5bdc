from rest_framework.renderers import JSONRenderer


class PdfRenderer(JSONRenderer):
    """Lets a caller accept only PDF; what comes through DRF is an error, in JSON."""

    media_type = "application/pdf"
    format = "pdf"
