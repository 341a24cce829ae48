(() => {
  "use strict";
  // Before anything is drawn, so that nothing flashes: the theme that was chosen.
  try {
    const theme = localStorage.getItem("aeverify-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch { /* storage is refused: the system's theme stays */ }
})();
