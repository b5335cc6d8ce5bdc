"""The back office."""

from unfold.sites import UnfoldAdminSite


class BackOffice(UnfoldAdminSite):
    pass
