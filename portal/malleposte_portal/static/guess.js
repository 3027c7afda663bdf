// A worker that says how easily a password is guessed. Its scripts are loaded by the first message; nothing is sent anywhere.
let checker;

addEventListener("message", ({ data }) => {
  if (data.scripts) {
    importScripts(...data.scripts);
    const { core, "language-common": common, "language-fr": french } = self.zxcvbnts;
    checker = new core.ZxcvbnFactory({
      dictionary: { ...common.dictionary, ...french.dictionary },
      graphs: common.adjacencyGraphs,
    });
    postMessage({ ready: true });
    return;
  }
  const { score, guessesLog10, feedback } = checker.check(data.password, data.own);
  postMessage({ number: data.number, score, digits: Math.round(guessesLog10), feedback });
});
