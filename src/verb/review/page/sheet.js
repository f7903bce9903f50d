// The sheet that is saved: the first columns of the one that the program writes, guarded by the same rule.
"use strict";

const Sheet = (() => {
  const plainNumber = /^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;
  const runs = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

  // Whether a spreadsheet would take the cell for a formula, quotes before it aside.
  const wouldRun = (cell) => {
    const bare = cell.replace(/^'+/, "");
    return runs.test(bare) && !plainNumber.test(bare);
  };

  const cell = (text) => {
    const guarded = wouldRun(text) ? "'" + text : text;
    return /[",;\r\n]|^\s|\s$/.test(guarded) ? '"' + guarded.replaceAll('"', '""') + '"' : guarded;
  };

  const row = (cells) => cells.map(cell).join(",") + "\n";

  // The sheet of these rows: pair, a, b, decision, reason.
  const text = (rows) => row(["pair", "a", "b", "decision", "reason"]) + rows.map(row).join("");

  const save = (name, rows) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text(rows)], { type: "text/csv;charset=utf-8" }));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };

  return { save };
})();
