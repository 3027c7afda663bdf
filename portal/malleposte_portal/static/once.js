// A second click on a button sends its form no second time; a form that made a download may be sent again some seconds later.
const sent = new WeakMap();
const SECONDS = 10;

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  if (Date.now() < (sent.get(event.target) ?? 0)) event.preventDefault();
  else sent.set(event.target, Date.now() + SECONDS * 1000);
});
