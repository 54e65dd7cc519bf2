// All the script of our own: an open menu closes when one clicks elsewhere or presses Escape.
const menus = () => document.querySelectorAll("details:is(.account, .more-tabs)[open]");

addEventListener("click", (event) => {
  for (const menu of menus()) {
    if (!menu.querySelector(".menu").contains(event.target) && !menu.querySelector("summary").contains(event.target)) menu.open = false;
  }
});

addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
