"use strict";
(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const list = document.getElementById("cases");
  const groups = [...list.querySelectorAll(".bucket")];
  const facets = [...form.querySelectorAll("fieldset")].map((field) => field.dataset.facet);
  const boxes = [...form.querySelectorAll("input[type=checkbox]")].map((box) => ({
    box, facet: facets.indexOf(box.name), chip: box.parentElement, count: box.parentElement.querySelector(".count"),
  }));
  const cases = [...list.querySelectorAll(".case")].map((item) => ({
    item, home: item.parentElement, has: facets.map((facet) => new Set(item.dataset[facet].split(" "))),
  }));
  const sorted = document.createElement("section");
  sorted.className = "bucket";
  list.insertBefore(sorted, groups[0]);
  const { text: search, sort } = form.elements;
  let byWhat = sort.value;
  let current = null;

  // What was asked and answered, without the page's own words around it.
  const textOf = (one) => one.text ??= [...one.item.querySelectorAll("pre, code, .where, .reason")]
    .map((part) => part.textContent).join("\n").toLowerCase();

  // Read in pieces before anybody searches, so that the first letter is as quick as the second.
  function readAhead(from) {
    cases.slice(from, from + 100).forEach(textOf);
    if (from < cases.length) setTimeout(readAhead, 0, from + 100);
  }

  function filter() {
    const text = search.value.trim().toLowerCase();
    const wanted = facets.map(() => new Set());
    for (const { box, facet } of boxes) if (box.checked) wanted[facet].add(box.value);
    const counts = facets.map(() => new Map());
    const perGroup = new Map();
    let shown = 0;
    for (const one of cases) {
      const found = !text || textOf(one).includes(text);
      let missed = 0;
      let last = -1;
      for (let at = 0; at < facets.length; at += 1) {
        if (wanted[at].size && wanted[at].isDisjointFrom(one.has[at])) [missed, last] = [missed + 1, at];
      }
      const fits = found && !missed;
      if (one.item.hidden === fits) one.item.hidden = !fits;
      if (fits) perGroup.set(one.item.parentElement, (perGroup.get(one.item.parentElement) ?? 0) + 1);
      shown += fits;
      if (!found || missed > 1) continue;
      // A choice counts the cases that the other facets leave.
      for (const at of missed ? [last] : counts.keys())
        for (const value of one.has[at]) counts[at].set(value, (counts[at].get(value) ?? 0) + 1);
    }
    for (const { box, facet, chip, count } of boxes) {
      count.textContent = counts[facet].get(box.value) ?? 0;
      chip.classList.toggle("empty", !counts[facet].has(box.value));
    }
    for (const group of [...groups, sorted]) {
      group.hidden = !perGroup.has(group);
      if (!group.hidden) group.querySelector(".count").textContent = perGroup.get(group);
    }
    form.querySelector("output").textContent = shown;
    document.getElementById("nothing").hidden = shown > 0;
  }

  function arrange() {
    if (sort.value === byWhat) return;
    byWhat = sort.value;
    const { name, sign } = sort.selectedOptions[0].dataset;
    if (!name) {
      for (const one of cases) one.home.append(one.item);
      return;
    }
    const inOrder = new Intl.Collator("en", { numeric: true }).compare;
    const key = (one) => name === "id" ? one.item.id : one.item.dataset[name];
    const before = sign === "-" ? (a, b) => key(b) - key(a) : (a, b) => inOrder(key(a), key(b));
    const heading = document.createElement("h3");
    heading.innerHTML = '<span></span> <span class="count"></span>';
    heading.firstChild.textContent = sort.selectedOptions[0].textContent;
    sorted.replaceChildren(heading, ...cases.toSorted(before).map((one) => one.item));
  }

  function apply() {
    arrange();
    filter();
  }

  function write() {
    const state = new URLSearchParams();
    for (const facet of facets) {
      const values = boxes.filter(({ box }) => box.name === facet && box.checked).map(({ box }) => box.value);
      if (values.length) state.set(facet, values.join(" "));
    }
    if (search.value.trim()) state.set("text", search.value.trim());
    if (sort.selectedIndex) state.set("sort", sort.value);
    history.replaceState(null, "", state.size ? `#${state}` : location.href.split("#")[0]);
  }

  function read() {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const { box } of boxes) box.checked = (state.get(box.name) ?? "").split(" ").includes(box.value);
    search.value = state.get("text") ?? "";
    sort.value = state.get("sort");
    if (sort.selectedIndex < 0) sort.selectedIndex = 0;
    apply();
  }

  function focus(item) {
    current = item;
    item.firstElementChild.focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
  }

  function openLinked() {
    const item = document.getElementById(location.hash.slice(1));
    if (!item?.classList.contains("case")) return;
    if (item.hidden) { form.reset(); apply(); }
    item.open = true;
    focus(item);
    item.scrollIntoView();
  }

  function step(by) {
    const shown = [...list.querySelectorAll(".case:not([hidden])")];
    const at = shown.indexOf(document.activeElement.closest(".case") ?? current);
    const next = shown[at < 0 ? 0 : at + by];
    if (next) focus(next);
  }

  form.addEventListener("input", () => {
    apply();
    write();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    current = null;
    search.blur();
    step(1);
  });
  addEventListener("hashchange", () => location.hash.includes("=") ? read() : openLinked());
  // Later than the browser's own way to the link, which takes the focus away.
  addEventListener("load", () => {
    openLinked();
    readAhead(0);
  });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input[type=search], select")) {
      if (event.key === "Escape") event.target.blur();
    } else if (event.key === "/") {
      event.preventDefault();
      search.focus();
    } else if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
  });
  form.hidden = false;
  read();
})();
