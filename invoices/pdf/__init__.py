"""Documents in, bytes out. Imported only by whoever renders."""

from datetime import date

from invoices.models import CreditNote, Invoice
from invoices.pdf import credit_note, drafts, invoice, page, statement
from invoices.pdf.speech import speech, speech_of
from invoices.statements import Statement


def render_invoice(frozen: Invoice) -> bytes:
    """
    The PDF of a finalized invoice.

    Only what was frozen is shown: the same invoice gives the same bytes, whatever was
    paid, renamed or moved since.
    """
    spoken = speech_of(frozen.language, frozen.currency, frozen.seller, frozen.buyer)
    content = invoice.frozen(frozen)
    cover = invoice.cover(spoken, content)
    return page.render(spoken, cover, list(invoice.story(spoken, content)))


def render_draft(draft: Invoice, today: date) -> bytes:
    """
    What a draft would look like if it were finalized on that day, marked as a draft.

    :raises InvoiceError: as `selectors.draft_totals`
    """
    content = drafts.as_if_frozen(draft, today)
    spoken = speech_of(
        content.invoice.language,
        draft.currency,
        content.invoice.seller,
        content.invoice.buyer,
    )
    cover = invoice.cover(spoken, content)
    return page.render(spoken, cover, list(invoice.story(spoken, content)))


def render_credit_note(note: CreditNote) -> bytes:
    """The PDF of a credit note; see `render_invoice`."""
    spoken = speech_of(note.language, note.currency, note.seller, note.buyer)
    cover = credit_note.cover(spoken, note)
    return page.render(spoken, cover, list(credit_note.story(spoken, note)))


def render_statement(account: Statement) -> bytes:
    customer, business = account.customer, account.business
    spoken = speech(
        customer.language or business.language,
        account.currency,
        customer.paper,
        customer.country,
        business.country,
    )
    cover = statement.cover(spoken, account)
    return page.render(spoken, cover, list(statement.story(spoken, account)))
