// Compares a PDF with the one that was issued, in the browser: the file leaves it for nobody.
// Without this, or where the page came over plain HTTP, the form sends the file instead.
const form = document.getElementById("verify");
const outcome = document.getElementById("outcome");

async function sha256(file) {
  const hash = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function compare(file) {
  const isSame = (await sha256(file)) === form.dataset.sha256;
  const notice = document.createElement("p");
  notice.className = `notice notice--${isSame ? "good" : "bad"}`;
  notice.textContent = isSame ? form.dataset.same : form.dataset.other;
  outcome.replaceChildren(notice);
}

if (form && globalThis.crypto?.subtle) {
  const input = form.elements.file;
  document.getElementById("where").textContent = form.dataset.notSent;
  input.addEventListener("change", () => input.files.length && compare(input.files[0]));
  form.addEventListener("submit", (event) => {
    if (input.files.length) {
      event.preventDefault();
      compare(input.files[0]);
    }
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) compare(event.dataTransfer.files[0]);
  });
}
