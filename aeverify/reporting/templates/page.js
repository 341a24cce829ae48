(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const byId = (id) => document.getElementById(id);

  // The theme: the system's, or one that was chosen.
  const root = document.documentElement;
  const toggle = byId("theme");
  const themes = ["system", "light", "dark"];
  const named = () => { toggle.textContent = `Theme: ${root.dataset.theme ?? "system"}`; };
  toggle.addEventListener("click", () => {
    const next = themes[(themes.indexOf(root.dataset.theme ?? "system") + 1) % themes.length];
    if (next === "system") delete root.dataset.theme; else root.dataset.theme = next;
    try {
      if (next === "system") localStorage.removeItem("aeverify-theme"); else localStorage.setItem("aeverify-theme", next);
    } catch { /* storage is refused: the choice lasts as long as the page */ }
    named();
    dispatchEvent(new Event("aeverify-theme"));
  });
  named();
  toggle.hidden = false;

  // Views: the address says which one is shown; an address of something inside a view shows that view and opens it.
  const views = all("main > .view");
  const title = document.title;
  const left = new Map();
  let current = null;
  const show = (view) => {
    for (const other of views) other.classList.toggle("current", other === view);
    for (const link of all("nav.views a")) {
      const here = view === byId(link.hash.slice(1))?.closest(".view");
      if (here) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
    }
    const heading = view.querySelector("h2").textContent.trim();
    document.title = view === views[0] ? title : `${heading} - ${title}`;
    current = view;
  };
  const go = (arriving) => {
    const target = location.hash.length > 1 ? byId(decodeURIComponent(location.hash.slice(1))) : views[0].querySelector("h2");
    const view = target?.closest(".view");
    if (!view) { if (!current) show(views[0]); return; }
    const moved = view !== current;
    if (current && moved) left.set(current, scrollY);
    show(view);
    if (arriving) {
      if (target.matches("details, h2") && location.hash.length > 1) { target.open = true; target.scrollIntoView(); }
      return;
    }
    if (target.matches("details")) {
      target.open = true;
      target.querySelector("summary").focus({ preventScroll: true });
      target.scrollIntoView();
    } else {
      target.focus({ preventScroll: true });
      if (moved && left.has(view) && view === views[0]) scrollTo(0, left.get(view)); else if (moved) scrollTo(0, 0); else target.scrollIntoView();
    }
  };
  addEventListener("hashchange", () => go(false));
  root.classList.add("js");
  go(true);

  // The table: filters, search, order.
  const table = byId("table");
  if (table) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const find = byId("find"), rigor = byId("rigor"), subject = byId("subject"), shown = byId("shown");
    const boxes = all('.controls input[name="outcome"]');
    let texts = null;
    // What is said of a verdict on its own page is searched too.
    const searched = () => texts ??= rows.map((row) => {
      const page = byId(`verdict-${row.dataset.verdict}`);
      const claim = page?.closest(".view").querySelector(".statement");
      return `${row.textContent} ${claim?.textContent ?? ""} ${page?.textContent ?? ""}`.toLowerCase().replace(/\s+/g, " ");
    });
    const filter = () => {
      const outcomes = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
      const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      const found = words.length ? searched() : null;
      let n = 0;
      rows.forEach((row, i) => {
        const keep = outcomes.has(row.dataset.outcome ?? "")
          && (!rigor?.value || row.dataset.rigor === rigor.value)
          && (!subject?.value || row.dataset.subject === subject.value)
          && words.every((word) => found[i].includes(word));
        row.hidden = !keep;
        n += keep;
      });
      shown.textContent = n === rows.length ? `all ${n} rows` : n ? `${n} of ${rows.length} rows` : "no row is like that";
    };
    let waiting = 0;
    find.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 120); });
    for (const control of [...boxes, rigor, subject]) control?.addEventListener("change", filter);
    byId("clear").addEventListener("click", () => {
      find.value = "";
      for (const box of boxes) box.checked = true;
      for (const select of [rigor, subject]) if (select) select.value = "";
      filter();
    });

    const severity = ["FAIL", "ERROR", "INCONCLUSIVE", "VACUOUS", undefined, "PASS"];
    const strength = ["", "EMPIRICAL", "STATISTICAL", "CERTIFIED", "EXACT"];
    const changes = ["worse", "new", "better", "same", ""];
    const words = new Intl.Collator("en", { numeric: true });
    const cell = (row, i) => row.cells[i].textContent.trim();
    const number = (row) => row.dataset.lower ? Number(row.dataset.lower.replace("inf", "Infinity")) : -Infinity;
    const orders = {
      outcome: (a, b) => severity.indexOf(a.dataset.outcome) - severity.indexOf(b.dataset.outcome),
      claim: (a, b) => words.compare(cell(a, 1), cell(b, 1)),
      subject: (a, b) => words.compare(cell(a, 2), cell(b, 2)),
      evidence: (a, b) => {
        const name = (row) => row.cells[3].querySelector(".minor")?.textContent ?? "";
        return words.compare(name(a), name(b)) || (number(a) > number(b)) - (number(a) < number(b));
      },
      rigor: (a, b) => strength.indexOf(a.dataset.rigor ?? "") - strength.indexOf(b.dataset.rigor ?? ""),
      change: (a, b) => changes.indexOf(cell(a, 6).split(/\s/)[0]) - changes.indexOf(cell(b, 6).split(/\s/)[0]),
    };
    for (const head of all("th[data-sort]", table)) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.dataset.label = head.textContent;
      head.replaceChildren(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const was = head.getAttribute("aria-sort");
        const now = was === "none" ? "ascending" : was === "ascending" ? "descending" : "none";
        for (const other of all("th[data-sort]", table)) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", now);
        const order = orders[head.dataset.sort];
        const sorted = now === "none" ? rows : [...rows].sort(now === "ascending" ? order : (a, b) => order(b, a));
        body.append(...sorted);
      });
    }
    table.closest("section").querySelector(".controls").hidden = false;
    filter();
  }

  // Commands can be copied.
  for (const box of all(".replay")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy the command");
    button.addEventListener("click", async () => {
      const code = box.querySelector("code");
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    box.append(button);
  }

  // Paper has no buttons: everything is open on it.
  addEventListener("beforeprint", () => {
    for (const d of all("details.verdict:not([open])")) { d.open = true; d.dataset.closed = ""; }
  });
  addEventListener("afterprint", () => {
    for (const d of all("details.verdict[data-closed]")) { d.open = false; delete d.dataset.closed; }
  });
})();
