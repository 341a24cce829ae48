(() => {
  "use strict";
  for (const box of document.querySelectorAll(".replay")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy the replay command");
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
  // A link from the table opens what it points to.
  const reveal = () => {
    const target = /^#verdict-\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
    if (target) { target.open = true; target.scrollIntoView(); }
  };
  addEventListener("hashchange", reveal);
  reveal();
  addEventListener("beforeprint", () => {
    for (const d of document.querySelectorAll("details.verdict:not([open])")) { d.open = true; d.dataset.closed = ""; }
  });
  addEventListener("afterprint", () => {
    for (const d of document.querySelectorAll("details.verdict[data-closed]")) { d.open = false; delete d.dataset.closed; }
  });
})();
