// In place of the question: a worker of ALTCHA finds a number while the form is filled in. Where that fails, the question stays.
const group = document.querySelector(".human");
const form = group?.closest("form");
const told = group?.querySelector(".human__told");
// The site takes the number for 30 minutes: a form that is sent later needs another one.
const GOOD = 25 * 60 * 1000;
let done = false;
let until = 0;

async function work() {
  const asked = await (await fetch(group.dataset.source)).json();
  const worker = new Worker(asked.worker);
  const challenge = { parameters: asked.parameters, signature: asked.signature };
  const solution = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data && !data.error ? resolve(data) : reject(new Error("no solution")));
    worker.onerror = reject;
    worker.postMessage({ type: "work", challenge, counterStart: 0, counterStep: 1, counterMode: "uint32", timeout: 120000 });
  });
  worker.terminate();
  form.elements.altcha.value = btoa(JSON.stringify({ challenge, solution }));
}

if (form) {
  const question = group.querySelector(".human__question");
  let sent;

  function begin() {
    done = false;
    question.hidden = true;
    work().catch(() => { question.hidden = false; }).finally(() => {
      done = true;
      until = Date.now() + GOOD;
      told.textContent = "";
      group.dataset.done = "";
      if (sent !== undefined && question.hidden) form.requestSubmit(sent);
    });
  }

  // A form that is sent meanwhile waits for the number.
  form.addEventListener("submit", (event) => {
    if (done && Date.now() < until) return;
    event.preventDefault();
    sent = event.submitter;
    told.textContent = group.dataset.wait;
    if (done) begin();
  });
  begin();
}
