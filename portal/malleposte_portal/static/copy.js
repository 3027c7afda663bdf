// « Copier »: each such button appears with this script alone, since without it it could do nothing.
const SECONDS = 4;

for (const button of document.querySelectorAll("[data-copies]")) {
  const source = document.getElementById(button.dataset.copies);
  if (!source || !navigator.clipboard) continue;
  const [words] = button.childNodes;
  const told = button.nextElementSibling;
  const before = words.data;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      words.data = button.dataset.copied;
      told.textContent = button.dataset.copied;
    } catch {
      // The browser has refused: the text is selected, to be copied by hand.
      getSelection().selectAllChildren(source);
    }
    setTimeout(() => {
      words.data = before;
      told.textContent = "";
    }, SECONDS * 1000);
  });
}
