// Compares a PDF with the one that was issued, in the browser: the file leaves it for nobody.
// Without this, or where the page came over plain HTTP, the form sends the file instead.
const form = document.getElementById("verify");
const outcome = document.getElementById("outcome");

const SAYS = {
  yes: ["good", "Yes: this is the PDF that was issued, to the last byte."],
  no: ["bad", "No: this is not the PDF that was issued."],
};

async function sha256(file) {
  const hash = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function compare(file) {
  const [kind, words] = SAYS[(await sha256(file)) === form.dataset.sha256 ? "yes" : "no"];
  const notice = document.createElement("p");
  notice.className = `notice notice--${kind}`;
  notice.textContent = words;
  outcome.replaceChildren(notice);
}

if (form && globalThis.crypto?.subtle) {
  const input = form.elements.file;
  document.getElementById("where").textContent =
    "Your PDF is compared in this browser, and is not sent anywhere. You may drop it on this page.";
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
