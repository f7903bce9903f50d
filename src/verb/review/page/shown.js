// What is shown of a pair. Every value is written as text, never as markup.

const Shown = (() => {
  // An element with a class and children: texts and elements; what is null is left out.
  const el = (tag, name, ...children) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    made.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return made;
  };

  const number = (text) => text.replace("-", "\u2212");
  const signed = (text) => (Number(text) > 0 ? "+" + text : number(text));
  const moment = (iso) => iso.replace("T", " ").replace(/:\d\dZ$/, " UTC");

  const age = (iso) => {
    const days = Math.floor((Date.now() - Date.parse(iso)) / 86400000);
    if (!(days >= 0)) return "";
    return days === 0 ? "today" : days === 1 ? "1 day" : days + " days";
  };

  const nameOf = (member) => member.id ?? "record " + member.record;

  // Where two texts differ: what they have in common in front and behind, and what is between.
  const between = (text, other) => {
    const [one, two] = [Array.from(text), Array.from(other)];
    const most = Math.min(one.length, two.length);
    let front = 0;
    while (front < most && one[front] === two[front]) front += 1;
    let behind = 0;
    while (behind < most - front && one.at(-1 - behind) === two.at(-1 - behind)) behind += 1;
    if ((front + behind) * 3 < most) return null;
    const end = one.length - behind;
    return [one.slice(0, front), one.slice(front, end), one.slice(end)].map((part) => part.join(""));
  };

  const value = (text, other, masked) => {
    if (text === null) return el("span", "none", "absent");
    if (masked) return el("bdi", "masked", text);
    const parts = other === null || text === other ? null : between(text, other);
    if (parts === null) return el("bdi", "", text);
    return el("bdi", "", parts[0], parts[1] ? el("mark", "", parts[1]) : null, parts[2]);
  };

  const sign = (level) => {
    if (level === null) return "\u2013";
    if (/^(equal|exact|same)/.test(level)) return "=";
    return /^different/.test(level) ? "\u2260" : "\u2248";
  };

  // A bar to the right for what speaks for one, to the left for what speaks against.
  const bar = (bits, scale) => {
    const length = el("span", bits < 0 ? "against" : "for");
    length.style.width = (Math.abs(bits) / scale) * 50 + "%";
    const track = el("span", "bar", length);
    track.setAttribute("aria-hidden", "true");
    return track;
  };

  const member = (side, letter) => {
    const members = side.members > 1 ? " (" + side.members + " members)" : "";
    const facts = [
      side.system ? el("bdi", "", side.system) : null,
      side.id === undefined ? null : "record " + side.record,
      side.golden ? "golden record " + side.golden + members : null,
    ].filter(Boolean);
    const listed = facts.flatMap((fact, index) => (index ? [", ", fact] : [fact]));
    const [badge, id] = [el("span", "letter", letter), el("bdi", "id", nameOf(side))];
    return el("th", "member", badge, id, el("span", "quiet", listed));
  };

  const named = (cell, name) => {
    cell.dataset.name = name;
    return cell;
  };

  const field = ([name, role, a, b, masked, level, bits], scale, label) => {
    const row = el("tr", "");
    const head = el("th", "field", el("bdi", "", name));
    if (role && role !== "none") head.append(el("span", "quiet", role));
    head.scope = "row";
    row.append(
      head,
      named(el("td", "value", value(a, b, masked)), "A"),
      named(el("td", "value", value(b, a, masked)), "B"),
      el("td", "level", el("span", "sign", sign(level)), level ?? "absent"),
    );
    const weight = [bar(Number(bits), scale), el("span", "number", signed(bits))];
    if (!label) row.append(el("td", "bits", weight));
    return row;
  };

  const columns = (pair, label) => {
    const names = label ? ["Alike"] : ["Alike", "Bits"];
    const row = el("tr", "", el("th", "field", "Field"), member(pair.a, "A"), member(pair.b, "B"));
    row.append(...names.map((name) => el("th", name.toLowerCase(), name)));
    for (const head of row.children) head.scope = "col";
    return el("thead", "", row);
  };

  const sums = (pair) => {
    const line = (words, bits) => {
      const head = el("th", "", words);
      head.scope = "row";
      head.colSpan = 4;
      return el("tr", "", head, el("td", "bits", el("span", "number", signed(bits))));
    };
    const together = "together: probability " + pair.probability + ", merged from " + pair.auto + " on";
    return el("tfoot", "", line("before any field is looked at", pair.prior), line(together, pair.bits));
  };

  const compared = (pair, label) => {
    const scale = Math.max(8, ...pair.fields.map((one) => Math.abs(Number(one[6]))));
    const table = el("table", label ? "compared label" : "compared", columns(pair, label));
    table.append(el("tbody", "", pair.fields.map((one) => field(one, scale, label))));
    if (!label) table.append(sums(pair));
    return table;
  };

  const others = (pair) => {
    if (pair.others.length === 0) return null;
    const rows = pair.others.map(([path, a, b, masked]) => {
      const head = el("th", "field", el("bdi", "", path));
      head.scope = "row";
      return el(
        "tr",
        a === b ? "equal" : "",
        head,
        named(el("td", "value", value(a, b, masked)), "A"),
        named(el("td", "value", value(b, a, masked)), "B"),
      );
    });
    const table = el("table", "compared others", el("tbody", "", rows));
    const details = el("details", "", el("summary", "", "Values that are not compared"), table);
    details.open = true;
    return details;
  };

  const note = ([text, actor, time]) => {
    const by = el("span", "quiet", " ", el("bdi", "", actor), ", " + moment(time));
    return el("p", "note", el("q", "", el("bdi", "", text)), by);
  };

  // The pair, large.
  const pair = (one, at, count, label) => {
    const [place, of] = [at + 1, count].map((part) => part.toLocaleString("en"));
    const title = el("h2", "", "Pair " + place + " of " + of);
    title.id = "title";
    const since = label ? null : ", waits since " + moment(one.since);
    const head = el("div", "head", el("div", "", title, el("p", "quiet", el("code", "", one.name.split(".")[0]), since)));
    const why = label ? [] : one.why.slice();
    if (one.together && !label) why.push("Both are in golden record " + one.together + " now.");
    if (!label) {
      const bits = el("span", "quiet", number(one.bits) + " bits");
      head.append(el("p", "score", el("span", "band", one.band), el("b", "", one.probability), bits));
    }
    return [
      head,
      why.length ? el("ul", "why", why.map((reason) => el("li", "", el("bdi", "", reason)))) : null,
      one.note ? note(one.note) : null,
      compared(one, label),
      others(one),
    ].filter((part) => part !== null);
  };

  // A row of the list of all pairs.
  const row = (one, at, label) => {
    const [a, b] = [one.a, one.b].map((side) => el("bdi", "", nameOf(side)));
    const facts = label
      ? ["record " + one.a.record, "record " + one.b.record]
      : [one.band, one.probability, age(one.since)].filter(Boolean);
    const button = el(
      "button",
      "",
      el("span", "mark"),
      el("span", "ids", a, el("span", "plus", " + "), b),
      el("span", "quiet", facts.join(" \u00b7 ")),
      el("span", "why-so"),
    );
    button.type = "button";
    button.tabIndex = -1;
    button.dataset.at = at;
    return el("li", "", button);
  };

  return { pair, row };
})();
