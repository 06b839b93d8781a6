"use strict";
// Everything is readable without this: it filters the atlas, moves by arrow keys, and copies LaTeX.

const form = document.getElementById("filter");
if (form) {
  const matrix = document.querySelector(".matrix"), list = document.querySelector(".list");
  const heads = [...matrix.tHead.rows[0].cells].slice(1), lines = [...list.tBodies[0].rows];
  const entries = [...matrix.tBodies[0].rows].flatMap((row, r) => [...row.cells].slice(1).map((cell, c) => {
    const [loss, activation] = [row.cells[0], heads[c]], names = [loss, activation].map((head) => head.textContent);
    return {
      cell, row, column: c, line: lines[r * heads.length + c], loss: names[0], activation: names[1], kind: cell.className.split(" ")[0],
      text: [names.join("-"), loss.title, activation.title, lines[r * heads.length + c].cells[1].textContent].join(" ").toLowerCase(),
    };
  }));

  const wanted = () => {
    const data = new FormData(form), kinds = data.getAll("kind");
    const words = data.get("q").toLowerCase().split(/\s+/).filter(Boolean);
    return (entry) => words.every((word) => entry.text.includes(word)) && ["loss", "activation"].every(
      (name) => [entry[name], ""].includes(data.get(name))) && (!kinds.length || kinds.includes(entry.kind));
  };

  const show = () => {
    const found = new Set(entries.filter(wanted()));
    const rows = new Set([...found].map((entry) => entry.row)), columns = new Set([...found].map((entry) => entry.column));
    for (const entry of entries) {
      entry.cell.classList.toggle("off", !found.has(entry));
      entry.cell.hidden = !columns.has(entry.column);
      entry.row.hidden = !rows.has(entry.row);
      entry.line.hidden = !found.has(entry);
    }
    heads.forEach((head, column) => { head.hidden = !columns.has(column); });
    form.querySelector("output").textContent = `${found.size} of ${entries.length} cells`;
  };

  const read = () => { // index.html#loss=bce&kind=cancels
    const asked = new URLSearchParams(location.hash.slice(1));
    for (const name of ["q", "loss", "activation"]) form.elements[name].value = asked.get(name) ?? "";
    for (const box of form.querySelectorAll("[name=kind]")) box.checked = asked.getAll("kind").includes(box.value);
    show();
  };

  form.hidden = false;
  for (const hint of document.querySelectorAll(".script")) hint.hidden = false;
  form.addEventListener("input", show);
  form.addEventListener("reset", () => setTimeout(show));
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", () => { if (location.hash.includes("=")) read(); });
  read();

  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  matrix.addEventListener("keydown", (event) => {
    const step = moves[event.key], from = event.target.closest("td");
    if (!step || !from) return;
    event.preventDefault();
    const rows = matrix.tBodies[0].rows;
    let r = from.parentNode.sectionRowIndex + step[0], c = from.cellIndex + step[1], next;
    for (; (next = rows[r]?.cells[c]); r += step[0], c += step[1]) {
      const link = next.querySelector("a");
      if (link && link.offsetParent) { link.focus(); return; }
    }
  });
}

for (const details of document.querySelectorAll("details.copy")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(details.querySelector("code").textContent);
      button.textContent = "Copied";
    } catch { // a page from a file may not: select it, for the reader to copy
      getSelection().selectAllChildren(details.querySelector("code"));
      button.textContent = "Selected";
    }
  });
  details.append(button);
}

for (const box of document.querySelectorAll(".eq")) { // Safari does not let the keyboard scroll by itself
  if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
}
