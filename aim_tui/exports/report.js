"use strict";
(() => {
  const table = document.getElementById("images");
  const body = table.tBodies[0];
  const find = document.getElementById("find");
  const count = document.getElementById("count");
  const words = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const key = (row, column) => row.cells[column].dataset.v;

  const compare = (column, numeric, direction) => (a, b) => {
    const x = key(a, column), y = key(b, column);
    if (x === undefined || y === undefined) return (x === undefined) - (y === undefined); // no value: last, either way
    return direction * (numeric ? x - y : words.compare(x, y));
  };

  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => heading.firstChild.addEventListener("click", () => {
    const before = heading.getAttribute("aria-sort");
    const best = heading.textContent.endsWith("↑") ? "descending" : "ascending";
    const other = best === "ascending" ? "descending" : "ascending";
    const now = before === best ? other : best;
    headings.forEach((each) => each.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", now);
    const order = compare(column, heading.classList.contains("num"), now === "ascending" ? 1 : -1);
    body.append(...[...body.rows].sort(order));
  }));

  find.hidden = false;
  find.addEventListener("input", () => {
    const wanted = find.value.toLowerCase();
    let shown = 0;
    for (const row of body.rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      shown += !row.hidden;
    }
    count.textContent = wanted ? `${shown} of ${body.rows.length}` : "";
  });
})();
