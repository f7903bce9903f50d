// The page: where it is, what is decided, which key does what.
(() => {
  const at = (id) => document.getElementById(id);
  const settings = JSON.parse(at("settings").textContent);
  const pairs = JSON.parse(at("data").textContent);
  const [yes, no] = ["\u2713", "\u2715"];
  const marks = { accept: yes, reject: no, never: "\u2298", same: yes, different: no, note: "\u270e", "": "" };
  const past = { accept: "accepted", reject: "rejected", never: "never", same: "same", different: "different" };
  const keys = settings.label ? { y: "same", d: "different" } : { a: "accept", r: "reject", n: "never" };
  const words = Object.values(keys);

  // What is decided of each pair, what was before each step, and where we are.
  const decided = pairs.map(() => ({ decision: "", reason: "" }));
  const steps = [];
  let current = 0;
  let unsaved = false;
  let single = true;

  const name = (index) => pairs[index].name.split(".")[0];
  const say = (text) => {
    at("said").textContent = text;
  };

  // Kept in this browser against a reload. A file may be refused a storage.
  const storage = (() => {
    const key = "counterfoil-review-" + settings.key;
    const attempt = (work) => {
      try {
        return work();
      } catch {
        at("unkept").hidden = pairs.length === 0;
        return null;
      }
    };
    return {
      read: () => attempt(() => JSON.parse(localStorage.getItem(key))),
      write: () =>
        attempt(() => {
          const rows = decided
            .map(({ decision, reason }, index) => [index, decision, reason])
            .filter(([, decision, reason]) => decision || reason);
          localStorage.setItem(key, JSON.stringify({ current, unsaved, single, rows }));
          return true;
        }),
      forget: () => attempt(() => localStorage.removeItem(key)),
    };
  })();

  const restore = () => {
    const kept = storage.read();
    if (!kept || !Array.isArray(kept.rows)) return 0;
    let count = 0;
    for (const [index, decision, reason] of kept.rows) {
      if (!(index in decided) || (decision !== "" && !words.includes(decision))) continue;
      decided[index] = { decision, reason: String(reason) };
      count += 1;
    }
    current = kept.current in pairs ? kept.current : 0;
    unsaved = kept.unsaved === true && count > 0;
    single = kept.single !== false;
    return count;
  };

  const markRow = (index) => {
    const button = at("rows").children[index].firstChild;
    const { decision, reason } = decided[index];
    const kind = decision || (reason.trim() ? "note" : "");
    button.dataset.decision = kind;
    button.querySelector(".mark").textContent = marks[kind];
    const said = [past[decision] ?? (kind && "note"), reason.trim()].filter(Boolean).join(": ");
    button.querySelector(".why-so").textContent = said;
  };

  const showCounts = () => {
    const count = decided.filter((one) => one.decision).length;
    at("count").textContent = count.toLocaleString("en");
    at("bar").value = count;
    at("unsaved").hidden = !unsaved;
  };

  const showDecision = () => {
    const { decision, reason } = decided[current] ?? { decision: "", reason: "" };
    for (const button of document.querySelectorAll("[data-decision].decide")) {
      button.setAttribute("aria-pressed", String(button.dataset.decision === decision));
    }
    if (at("reason").value !== reason) at("reason").value = reason;
    at("undo").disabled = steps.length === 0;
  };

  // Only the list moves, with a row before and behind in sight: the page stays where the person looks.
  const reveal = (button) => {
    const list = at("rows");
    const [top, height] = [button.parentNode.offsetTop, button.offsetHeight];
    const bottom = top + 2 * height;
    if (top - height < list.scrollTop) list.scrollTop = top - height;
    if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
  };

  const go = (index) => {
    if (!(index in pairs)) return;
    const rows = at("rows").children;
    const hadFocus = document.activeElement === rows[current].firstChild;
    rows[current].firstChild.tabIndex = -1;
    rows[current].firstChild.removeAttribute("aria-current");
    rows[index].firstChild.tabIndex = 0;
    rows[index].firstChild.setAttribute("aria-current", "true");
    current = index;
    if (hadFocus) rows[index].firstChild.focus({ preventScroll: true });
    at("pair").replaceChildren(...Shown.pair(pairs[index], index, pairs.length, settings.label));
    at("pair").scrollTop = 0;
    showDecision();
    reveal(rows[index].firstChild);
  };

  const changed = (index) => {
    unsaved = true;
    markRow(index);
    showCounts();
    showDecision();
  };

  // The next pair that waits, behind this one or else from the start.
  const nextOpen = () => {
    for (let step = 1; step < pairs.length; step += 1) {
      const index = (current + step) % pairs.length;
      if (!decided[index].decision) return index;
    }
    return -1;
  };

  const decide = (decision) => {
    if (pairs.length === 0) return;
    const index = current;
    steps.push({ index, before: { ...decided[index] } });
    decided[index].decision = decision;
    changed(index);
    const next = nextOpen();
    const done = "Pair " + (index + 1) + " (" + name(index) + "): " + past[decision] + ". ";
    if (next >= 0) go(next);
    storage.write();
    say(done + (next < 0 ? "All pairs are decided: save them with s." : "Now pair " + (next + 1) + "."));
  };

  const undo = () => {
    const step = steps.pop();
    if (!step) {
      say("There is nothing to undo.");
      return;
    }
    decided[step.index] = step.before;
    go(step.index);
    changed(step.index);
    storage.write();
    const now = step.before.decision ? past[step.before.decision] : "not decided";
    say("Undone: pair " + (step.index + 1) + " (" + name(step.index) + ") is " + now + " again.");
  };

  const move = (by) => {
    const index = current + by;
    if (!(index in pairs)) {
      say(by > 0 ? "This is the last pair." : "This is the first pair.");
      return;
    }
    go(index);
    storage.write();
    const { decision } = decided[index];
    say("Pair " + (index + 1) + (decision ? ": " + past[decision] : "") + ".");
  };

  const save = () => {
    const rows = decided.flatMap(({ decision, reason }, index) => {
      const pair = pairs[index];
      const said = reason.trim();
      return decision || said ? [[pair.name, pair.a.id ?? "", pair.b.id ?? "", decision, said]] : [];
    });
    if (rows.length === 0) {
      say("Nothing is decided yet.");
      return;
    }
    Sheet.save(settings.file, rows);
    unsaved = false;
    showCounts();
    storage.write();
    const amount = rows.length === 1 ? "1 row" : rows.length.toLocaleString("en") + " rows";
    say("Saved " + amount + ". Import the file with: counterfoil review import " + settings.file);
  };

  // For a browser that others use too.
  const forget = () => {
    decided.forEach((one, index) => {
      if (!one.decision && !one.reason) return;
      decided[index] = { decision: "", reason: "" };
      markRow(index);
    });
    steps.length = 0;
    storage.forget();
    at("help").close();
    go(0);
    showCounts();
    say("This browser has forgotten the decisions. The saved files stay.");
  };

  const help = () => {
    at("forget").disabled = unsaved;
    if (at("help").open) at("help").close();
    else at("help").showModal();
  };

  const write = () => {
    at("reason").focus();
    at("reason").select();
  };

  // The reason is kept with every letter; leaving the field makes one step of it.
  const onReason = () => {
    const field = at("reason");
    let before = null;
    field.addEventListener("focus", () => {
      before = { index: current, before: { ...decided[current] } };
    });
    field.addEventListener("input", () => {
      if (pairs.length === 0) return;
      decided[current].reason = field.value;
      changed(current);
      storage.write();
    });
    field.addEventListener("blur", () => {
      if (before && decided[before.index] && decided[before.index].reason !== before.before.reason) {
        steps.push(before);
        showDecision();
      }
      before = null;
    });
    field.addEventListener("keydown", (event) => {
      if (event.isComposing || (event.key !== "Escape" && event.key !== "Enter")) return;
      event.preventDefault();
      field.blur();
      at("pair").focus({ preventScroll: true });
      say(field.value.trim() ? "Reason kept." : "No reason.");
    });
  };

  const actions = {
    u: undo,
    e: write,
    s: save,
    j: () => move(1),
    k: () => move(-1),
    "?": help,
  };
  actions.ArrowRight = actions.j;
  actions.ArrowLeft = actions.k;
  for (const [key, decision] of Object.entries(keys)) actions[key] = () => decide(decision);

  const onKey = (event) => {
    const typing = event.target === at("reason");
    if (typing || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (at("help").open && event.key !== "?") return;
    const inList = at("rows").contains(event.target);
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = { ...actions, ...(inList && { ArrowDown: actions.j, ArrowUp: actions.k }) }[key];
    if (!action || (key.length === 1 && !single)) return;
    event.preventDefault();
    // A key that is held down goes through the pairs, and decides none.
    if (event.repeat && action !== actions.j && action !== actions.k) return;
    action();
  };

  const start = () => {
    at("rows").append(...pairs.map((pair, index) => Shown.row(pair, index, settings.label)));
    at("file").textContent = settings.file;
    const count = restore();
    decided.forEach((one, index) => (one.decision || one.reason) && markRow(index));
    at("single").checked = single;
    go(current);
    showCounts();
    showDecision();
    if (count > 0) say(count + (count === 1 ? " row" : " rows") + " restored from this browser.");
    document.addEventListener("keydown", onKey);
    onReason();
    for (const button of document.querySelectorAll(".decide")) {
      button.addEventListener("click", () => decide(button.dataset.decision));
    }
    const buttons = { undo, save, forget, ask: help, next: actions.j, previous: actions.k };
    for (const [id, action] of Object.entries(buttons)) at(id).addEventListener("click", action);
    at("rows").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      go(Number(button.dataset.at));
      storage.write();
    });
    at("single").addEventListener("change", () => {
      single = at("single").checked;
      storage.write();
    });
    window.addEventListener("beforeunload", (event) => {
      if (unsaved) event.preventDefault();
    });
  };

  start();
})();
