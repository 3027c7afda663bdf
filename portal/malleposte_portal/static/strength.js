// Beside a password: show it, tick the rules one by one, say how easily it is guessed, offer a passphrase.
// Nothing that is typed leaves the page. All of it comes on top: without this script the rules are plain text.
import { judge } from "/rules.js";

const made = (tag, classes, text = "") => Object.assign(document.createElement(tag), { className: classes, textContent: text });
let loaded;

/** What the tester knows and says, once a password field is used for the first time. */
async function load(box) {
  const told = await (await fetch(box.dataset.source)).json();
  const worker = new Worker(box.dataset.worker);
  worker.postMessage({ scripts: told.scripts });
  return { ...told, worker };
}

function show(group) {
  const input = group.querySelector("input");
  const box = made("div", "fr-password__checkbox fr-checkbox-group fr-checkbox-group--sm");
  const check = Object.assign(document.createElement("input"), { type: "checkbox", id: `${input.id}-show` });
  check.setAttribute("aria-label", group.dataset.showName);
  const label = Object.assign(made("label", "fr-password__checkbox fr-label", group.dataset.show), { htmlFor: check.id });
  box.append(check, label);
  check.addEventListener("change", () => { input.type = check.checked ? "text" : "password"; });
  input.form?.addEventListener("submit", () => { input.type = "password"; });
  group.append(box);
  return check;
}

/** A whole number below a limit, each as likely as the other. */
function below(limit) {
  const most = Math.floor(0x100000000 / limit) * limit;
  const [drawn] = crypto.getRandomValues(new Uint32Array(1));
  return drawn < most ? drawn % limit : below(limit);
}

function phrase(told, owner) {
  for (;;) {
    const words = Array.from({ length: 5 }, () => told.words[below(told.words.length)]);
    const loud = below(words.length);
    words[loud] = words[loud][0].toUpperCase() + words[loud].slice(1);
    words.splice(1 + below(words.length), 0, String(below(90) + 10));
    const found = words.join("-");
    if (judge(found, owner, told.limits).length === 0) return found;
  }
}

function test(group) {
  const input = group.querySelector("input");
  const box = group.querySelector(".strength");
  const rules = [...group.querySelectorAll("[data-rule]")];
  const part = (name) => box.querySelector(`.strength__${name}`);
  const page = input.form ?? document;
  let number = 0;
  let spoken;

  const owner = () => ({
    login: page.querySelector("#login")?.value ?? "",
    names: [...page.querySelectorAll("[data-name]")].map((one) => one.value ?? one.dataset.name).filter(Boolean),
  });

  function tick(told) {
    const broken = new Set(judge(input.value, owner(), told.limits).map((code) => told.sentence_of[code]));
    const judged = rules.filter((rule) => told.judged.includes(rule.dataset.rule));
    for (const rule of judged) {
      const state = !input.value ? "info" : broken.has(rule.dataset.rule) ? "error" : "valid";
      rule.className = `fr-message fr-message--${state}`;
      let said = rule.querySelector(".fr-sr-only");
      if (!said) rule.append(said = made("span", "fr-sr-only"));
      said.textContent = state === "info" ? "" : ` ${told.texts[state]}`;
    }
    const kept = judged.filter((rule) => rule.classList.contains("fr-message--valid")).length;
    clearTimeout(spoken);
    spoken = setTimeout(() => {
      part("spoken").textContent = input.value ? told.texts.kept.replace("%(kept)s", kept).replace("%(all)s", judged.length) : "";
    }, 800);
  }

  function guess(told) {
    number += 1;
    if (!input.value) {
      part("level").textContent = told.texts.empty;
      part("advice").textContent = "";
      box.dataset.score = "";
      return;
    }
    const own = owner();
    told.worker.postMessage({ number, password: input.value, own: [own.login, ...own.names].filter(Boolean) });
  }

  function tell(told, answer) {
    if (answer.number !== number || !input.value) return;
    const { warning, suggestions } = answer.feedback;
    const advice = [warning && told.texts.warnings[warning], ...suggestions.map((one) => told.texts.suggestions[one])];
    box.dataset.score = answer.score;
    part("level").textContent = told.texts.levels[answer.score];
    part("advice").textContent = answer.score < 4 ? advice.filter(Boolean).join(" ") : "";
  }

  async function begin() {
    box.hidden = false;
    loaded ??= load(box);
    const told = await loaded;
    const both = () => { tick(told); guess(told); };
    told.worker.addEventListener("message", ({ data }) => (data.ready ? guess(told) : tell(told, data)));
    input.addEventListener("input", both);
    for (const other of page.querySelectorAll("#login, [data-name]")) other.addEventListener("input", both);
    part("offer").hidden = false;
    part("offer").addEventListener("click", () => {
      part("phrase").textContent = phrase(told, owner());
      part("found").hidden = false;
    });
    part("use").addEventListener("click", () => {
      for (const one of page.querySelectorAll("[autocomplete='new-password']")) one.value = part("phrase").textContent;
      const seen = group.querySelector("input[type=checkbox]");
      if (!seen.checked) seen.click();
      both();
      input.focus();
    });
    both();
  }

  input.addEventListener("focus", begin, { once: true });
  if (document.activeElement === input) input.dispatchEvent(new Event("focus"));
}

for (const group of document.querySelectorAll(".fr-password")) {
  show(group);
  if (group.querySelector(".strength")) test(group);
}
