// Judges a password as malleposte.policy.rules.check does, by the data that `limits` gives: the same codes, in the same order.
// It asks nothing and changes nothing; a test compares both.

/** Small letters without accents. */
export function fold(text) {
  return text.replaceAll(/œ/gi, "oe").replaceAll("æ", "ae").normalize("NFKD").replaceAll(/\p{M}/gu, "")
    .toLowerCase().replaceAll("ß", "ss");
}

function tokens(texts, least) {
  const found = new Set();
  for (const text of texts) {
    const folded = fold(text);
    for (const part of [...folded.split(/[^a-z0-9]+/), folded.replaceAll(/[^a-z0-9]+/g, ""), folded]) {
      if (part.length >= least) found.add(part);
    }
  }
  return [...found];
}

/** Whether a pair of left letters and words is better than another: fewer letters, then fewer words, then by alphabet. */
function better([left, words], [otherLeft, others]) {
  if (left !== otherLeft) return left < otherLeft;
  if (words.length !== others.length) return words.length < others.length;
  return words.join(" ") < others.join(" ");
}

function covering(letters, words, longest, left) {
  const best = [[0, []]];
  for (let end = 1; end <= letters.length; end++) {
    let fewest = [best[end - 1][0] + 1, best[end - 1][1]];
    for (let start = Math.max(0, end - longest); start < end - 2; start++) {
      const word = letters.slice(start, end);
      if (!words.has(word)) continue;
      const found = [best[start][0], [...best[start][1], word]];
      if (better(found, fewest)) fewest = found;
    }
    best.push(fewest);
  }
  return best.at(-1)[0] <= left ? best.at(-1)[1] : [];
}

/** The common words that a password is made of, as malleposte.policy.rules.common_words names them. */
export function commonWords(password, limits) {
  const folded = fold(password);
  const words = new Set(limits.words);
  const longest = Math.max(...limits.words.map((word) => word.length));
  const core = folded.replaceAll(/^[^a-z]+|[^a-z]+$/g, "");
  const read = [...core].map((sign) => limits.leet[sign] ?? sign).join("");
  for (const reading of [folded, read].map((one) => one.replaceAll(/[^a-z]/g, ""))) {
    const found = reading.length >= 4 ? covering(reading, words, longest, limits.left) : [];
    if (found.length) return found;
  }
  return [];
}

function walks(folded, limits) {
  const lines = limits.rows.flatMap((row) => [row, [...row].reverse().join("")]);
  for (let start = 0; start + limits.walk <= folded.length; start++) {
    const run = folded.slice(start, start + limits.walk);
    if (lines.some((line) => line.includes(run))) return true;
  }
  return false;
}

/** The codes of all rules that a password breaks; `owner` has `login` and `names`, a list. */
export function judge(password, owner, limits) {
  const characters = [...password];
  if (characters.length > limits.max) return ["too_long"];
  const found = characters.length < limits.min ? ["too_short"] : [];
  for (const [name, members, least] of limits.classes) {
    if (characters.filter((one) => members.includes(one)).length < least) found.push(`missing_${name}`);
  }
  if (!/^[ -~]*$/.test(password)) found.push("forbidden_character");
  const folded = fold(password);
  const holds = (texts) => tokens(texts, limits.token).some((token) => folded.includes(token));
  if (/^\{[^}]*\}/.test(password)) found.push("digest_form");
  if (holds([owner.login ?? ""])) found.push("contains_login");
  if (holds(owner.names ?? [])) found.push("contains_name");
  if (commonWords(password, limits).length) found.push("common_word");
  if (walks(folded, limits)) found.push("keyboard_walk");
  if (new RegExp(`(.)\\1{${limits.repeat - 1}}`, "su").test(password)) found.push("repetition");
  return found;
}
