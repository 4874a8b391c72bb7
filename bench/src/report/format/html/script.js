"use strict";
// Without this script the page shows everything: titles as tooltips, one run below the other.
const tip = document.getElementById("tip");
for (const hit of document.querySelectorAll(".hit")) {
  const title = hit.querySelector("title");
  if (!title) continue;
  const text = title.textContent;
  title.remove();
  hit.addEventListener("pointermove", (event) => {
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = Math.min(event.clientX + 14, innerWidth - box.width - 8);
    const above = event.clientY - box.height - 12;
    tip.style.left = Math.max(8, left) + "px";
    tip.style.top = (above < 8 ? event.clientY + 16 : above) + "px";
  });
  hit.addEventListener("pointerleave", () => { tip.hidden = true; });
}
const tabs = [...document.querySelectorAll('[role="tab"]')];
const show = (chosen) => {
  for (const tab of tabs) {
    const isChosen = tab === chosen;
    tab.setAttribute("aria-selected", isChosen);
    tab.tabIndex = isChosen ? 0 : -1;
    document.getElementById(tab.getAttribute("aria-controls")).hidden = !isChosen;
  }
};
tabs.forEach((tab, at) => {
  tab.addEventListener("click", () => show(tab));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(at + step + tabs.length) % tabs.length];
    show(next);
    next.focus();
  });
});
if (tabs.length) {
  tabs[0].parentElement.hidden = false;
  show(tabs[0]);
}
