// Asks every five seconds whether the payment has arrived, and turns the page once it has.
// The page's own link says where to ask next; without one there is nothing to wait for.
const SECONDS = 5;

const link = (page) => page.querySelector("a[data-look-again]");

async function lookAgain(address) {
  let page;
  try {
    const answer = await fetch(address);
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    wait(address); // Offline for a moment.
    return;
  }
  const next = link(page);
  if (next) {
    wait(next.getAttribute("href"));
  } else {
    location.replace(address);
  }
}

function wait(address) {
  setTimeout(lookAgain, SECONDS * 1000, address);
}

wait(link(document).getAttribute("href"));
