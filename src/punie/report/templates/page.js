"use strict";
(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const cases = [...document.querySelectorAll(".case")];
  const groups = [...document.querySelectorAll(".bucket")];
  const facets = [...form.querySelectorAll("fieldset")].map((field) => field.dataset.facet);
  const boxes = [...form.querySelectorAll("input[type=checkbox]")];
  const words = new Map();

  const textOf = (item) => {
    if (!words.has(item)) words.set(item, item.textContent.toLowerCase());
    return words.get(item);
  };
  const chosen = (facet) => new Set(boxes.filter((box) => box.name === facet && box.checked).map((box) => box.value));

  function apply() {
    const choice = new Map(facets.map((facet) => [facet, chosen(facet)]));
    const text = form.elements.text.value.trim().toLowerCase();
    const found = cases.filter((item) => !text || textOf(item).includes(text));
    const fits = (item, except) => facets.every((facet) =>
      facet === except || !choice.get(facet).size || choice.get(facet).has(item.dataset[facet]));

    const shown = new Set(found.filter((item) => fits(item)));
    for (const item of cases) item.hidden = !shown.has(item);
    for (const group of groups) {
      const count = [...group.querySelectorAll(".case")].filter((item) => shown.has(item)).length;
      group.hidden = !count;
      group.querySelector(".count").textContent = count;
    }
    for (const box of boxes) {
      const count = found.filter((item) => item.dataset[box.name] === box.value && fits(item, box.name)).length;
      box.parentElement.querySelector(".count").textContent = count;
      box.parentElement.classList.toggle("empty", !count);
    }
    form.querySelector("output").textContent = shown.size;
    document.getElementById("nothing").hidden = shown.size > 0;
  }

  function openLinked() {
    const item = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!item || !item.classList.contains("case")) return;
    if (item.hidden) { form.reset(); apply(); }
    item.open = true;
    item.scrollIntoView();
  }

  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", openLinked);
  form.hidden = false;
  apply();
  openLinked();
})();
