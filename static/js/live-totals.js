// While an invoice is written, has the server work out what it comes to. Without this
// script, or while the server is out of reach, the page shows what was saved last.
const PAUSE = 350;

const card = document.getElementById("totals-card");
const form = document.getElementById("invoice_form");
let timer;
let asked;

function workOutSoon() {
  clearTimeout(timer);
  timer = setTimeout(workOut, PAUSE);
}

async function workOut() {
  asked?.abort();
  asked = new AbortController();
  card.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(card.dataset.totals, {
      method: "POST",
      body: new FormData(form),
      signal: asked.signal,
    });
    if (answer.ok && !answer.redirected) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.getElementById("totals-rows").replaceWith(page.getElementById("totals-rows"));
    }
  } catch (error) {
    if (error.name === "AbortError") {
      return; // What was typed since is asked for already.
    }
  }
  card.removeAttribute("aria-busy");
}

if (card && form) {
  form.addEventListener("input", workOutSoon);
  form.addEventListener("change", workOutSoon);
  // What is answered here only: outside of the form, though it is sent with it.
  for (const field of card.querySelectorAll("[data-live]")) {
    field.hidden = false;
    field.addEventListener("input", workOutSoon);
  }
  document.addEventListener("formset:added", workOutSoon);
  document.addEventListener("formset:removed", workOutSoon);
  // Select2 tells jQuery alone.
  window.django?.jQuery(form).on("change", workOutSoon);
}
