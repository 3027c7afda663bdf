// Beside a password: show it, tick the rules one by one, give one verdict, offer a passphrase.
// Nothing that is typed leaves the page. All of it comes on top: without this script the rules are plain text.
import { commonWords, judge } from "/rules.js";
import { verdict } from "/verdict.js";

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
  let answer = null;
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

  function tell(told) {
    const broken = judge(input.value, owner(), told.limits);
    const found = verdict(broken, commonWords(input.value, told.limits), answer, told.texts);
    box.dataset.score = input.value ? found.score : "";
    part("level").textContent = input.value ? found.level : told.texts.empty;
    part("advice").textContent = input.value ? found.advice : "";
  }

  function guess(told) {
    number += 1;
    answer = null;
    const own = owner();
    if (input.value) told.worker.postMessage({ number, password: input.value, own: [own.login, ...own.names].filter(Boolean) });
    tell(told);
  }

  function hear(told, data) {
    if (data.number !== number || !input.value) return;
    answer = data;
    tell(told);
  }

  async function begin() {
    box.hidden = false;
    loaded ??= load(box);
    const told = await loaded;
    const both = () => { tick(told); guess(told); };
    told.worker.addEventListener("message", ({ data }) => (data.ready ? guess(told) : hear(told, data)));
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
