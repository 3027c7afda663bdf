// The one verdict on a password, out of the rules that it breaks and of how easily it is guessed: what is refused is never called good.

/**
 * The words and the bars (0 to 4) of the verdict. `broken` are the codes of the rules, `words` the common words in the
 * password, `answer` that of the worker, or null while there is none; `texts` come from the portal.
 */
export function verdict(broken, words, answer, texts) {
  if (broken.length) {
    const reasons = broken.filter((code) => code in texts.reasons).map((code) => {
      const named = words.map((word) => texts.quoted.replace("%(word)s", word)).join(", ");
      return texts.reasons[code].replace("%(words)s", named);
    });
    return { score: 0, level: texts.refused, advice: reasons.join(" ") };
  }
  if (!answer) return { score: "", level: texts.waiting, advice: "" };
  const { warning, suggestions } = answer.feedback;
  const advice = [warning && texts.warnings[warning], ...suggestions.map((one) => texts.suggestions[one])];
  return {
    score: answer.score,
    level: texts.levels[answer.score],
    advice: answer.score < 4 ? advice.filter(Boolean).join(" ") : "",
  };
}
