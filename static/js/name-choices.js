// Fields to search a row in are drawn by a library that gives them no name: the label's is theirs.
// They are drawn by what was there to do before this, once the page is there.
django.jQuery(() => {
  for (const field of document.querySelectorAll("select.admin-autocomplete")) {
    const shown = field.nextElementSibling?.querySelector(".select2-selection__rendered");
    const label = field.labels[0];
    if (!shown || !label) continue;
    label.id ||= `${field.id}_label`;
    shown.setAttribute("aria-labelledby", label.id);
    shown.closest("[role=combobox]").setAttribute("aria-labelledby", `${label.id} ${shown.id}`);
  }
});
