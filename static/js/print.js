// A button that prints the page. Without scripts it stays hidden: every browser can print.

const button = document.querySelector("[data-print]");

button.hidden = false;
button.addEventListener("click", () => window.print());
