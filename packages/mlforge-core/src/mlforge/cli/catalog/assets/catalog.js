// Search, copying, the bars of histograms, and what the parts of a page are called.
// Texts are put into pages as texts, never as HTML; nothing is fetched from anywhere.
"use strict";

const MOST = 50;
const TALL = 32;
const SVG = "http://www.w3.org/2000/svg";
const WEIGHTS = { name: 8, columns: 5, owner: 4, meaning: 3, source: 2.5 };
const LIGHT = new Set(
  "a an and are as by each every for from how in is it last many much of on or past per the to what with".split(" "),
);
const LENGTHS = {
  hour: ["1h", "60m"], day: ["1d", "24h"], week: ["7d", "1w"], fortnight: ["14d", "2w"],
  month: ["28d", "30d", "31d", "4w"], quarter: ["90d", "91d", "13w"], year: ["365d", "52w"],
};
const ADVERBS = {
  hourly: "hour", daily: "day", weekly: "week", monthly: "month", quarterly: "quarter", yearly: "year", annual: "year",
};

function wordsOf(text) {
  const parted = text.replace(/([a-z0-9])(?=[A-Z])/g, "$1 ").normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return parted.replace(/ß/g, "ss").match(/[\p{L}\p{N}]+/gu) || [];
}

function indexOf(rows) {
  const postings = new Map();
  const add = (word, number, weight) => {
    let there = postings.get(word);
    if (!there) postings.set(word, (there = new Map()));
    if (!there.has(number)) there.set(number, weight);
  };
  rows.forEach((row, number) => {
    const [, name, , description, owner, columns, meaning, source] = row;
    const named = wordsOf(name);
    named.forEach((word) => add(word, number, WEIGHTS.name));
    named.slice(1).forEach((word, place) => add(named[place] + word, number, WEIGHTS.name));
    wordsOf(columns).forEach((word) => add(word, number, WEIGHTS.columns));
    wordsOf(owner).forEach((word) => add(word, number, WEIGHTS.owner));
    wordsOf(`${description} ${meaning}`).forEach((word) => add(word, number, WEIGHTS.meaning));
    wordsOf(source).forEach((word) => add(word, number, WEIGHTS.source));
  });
  return postings;
}

function slips(a, b, allowed) {
  let last = [];
  let before = [];
  let row = Array.from({ length: b.length + 1 }, (_, place) => place);
  for (let i = 1; i <= a.length; i += 1) {
    [last, before, row] = [before, row, [i]];
    for (let j = 1; j <= b.length; j += 1) {
      let best = Math.min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, last[j - 2] + 1);
      row.push(best);
    }
    if (Math.min(...row) > allowed) return allowed + 1;
  }
  return row[b.length];
}

function met(word, known) {
  if (known === word) return 1;
  if (word === `${known}s` || known === `${word}s` || (word === `${known}es` && known.length > 2)) return 0.95;
  if (word.length > 1 && known.startsWith(word)) return 0.8;
  return word.length > 2 && known.includes(word) ? 0.5 : 0;
}

function meant(word, postings) {
  const found = new Map();
  for (const known of postings.keys()) {
    const how = met(word, known);
    if (how) found.set(known, how);
  }
  const singular = word.replace(/s$/, "");
  const unit = Object.hasOwn(ADVERBS, singular) ? ADVERBS[singular] : singular;
  for (const length of Object.hasOwn(LENGTHS, unit) ? LENGTHS[unit] : []) {
    if (postings.has(length) && !found.has(length)) found.set(length, 0.6);
  }
  const allowed = word.length < 4 || /^\d+$/.test(word) ? 0 : word.length < 8 ? 1 : 2;
  if (found.size || !allowed || LIGHT.has(word)) return found;
  for (const known of postings.keys()) {
    if (Math.abs(known.length - word.length) > allowed) continue;
    const many = slips(word, known, allowed);
    if (many <= allowed) found.set(known, many === 1 ? 0.6 : 0.35);
  }
  return found;
}

function search(query, rows, postings) {
  const asked = [...new Set(wordsOf(query))];
  const telling = asked.filter((word) => !LIGHT.has(word));
  const heavy = new Set(telling.length ? telling : asked);
  const scores = new Map();
  const having = new Map();
  for (const word of asked) {
    const there = new Map();
    for (const [known, how] of meant(word, postings)) {
      for (const [number, weight] of postings.get(known)) {
        there.set(number, Math.max(there.get(number) || 0, weight * how));
      }
    }
    const rarity = Math.log(1 + rows.length / Math.max(there.size, 1)) * (heavy.has(word) ? 1 : 0.15);
    for (const [number, weight] of there) {
      scores.set(number, (scores.get(number) || 0) + weight * rarity);
      having.set(number, (having.get(number) || 0) + (heavy.has(word) ? 1 : 0));
    }
  }
  let most = 0;
  for (const count of having.values()) most = Math.max(most, count);
  const least = Math.max(heavy.size / 2, most < 3 ? most : most - 1);
  const wanted = asked.join("");
  return [...scores.keys()]
    .filter((number) => having.get(number) >= least)
    .map((number) => {
      const exact = wordsOf(rows[number][1]).join("") === wanted ? 2 : 1;
      return [number, (scores.get(number) * having.get(number) * exact) / heavy.size];
    })
    .sort((a, b) => b[1] - a[1] || (rows[a[0]][1] < rows[b[0]][1] ? -1 : 1))
    .map(([number]) => rows[number]);
}

function load(root) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${root}assets/features.js`;
    script.onload = () => { script.remove(); resolve(window.mlforgeFeatures); };
    script.onerror = reject;
    document.head.append(script);
  });
}

function item(row, root) {
  const [file, name, latest, description] = row;
  const told = [element("strong", {}, name), latest ? ` ${latest}` : "", element("span", {}, description)];
  return element("li", {}, element("a", { href: root + file }, ...told));
}

function element(name, attributes, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
}

function searchBox() {
  const input = element("input", {
    id: "query", type: "search", autocomplete: "off", spellcheck: "false", placeholder: "spend last week",
    "aria-controls": "found",
  });
  const label = element("label", { for: "query" }, "Search features");
  const key = element("kbd", { "aria-hidden": "true" }, "/");
  document.querySelector("header").append(element("div", { class: "search", role: "search" }, label, input, key));
  return input;
}

function searching() {
  const root = document.body.dataset.root;
  const main = document.getElementById("main");
  const input = searchBox();
  const status = element("p", { role: "status", "aria-live": "polite" });
  const list = element("ol", {});
  const found = element("section", { id: "found", "aria-label": "Search results", hidden: "" }, status, list);
  main.before(found);
  let loading = null;

  async function show() {
    loading ||= load(root).then((rows) => ({ rows, postings: indexOf(rows) }));
    const { rows, postings } = await loading;
    const query = input.value.trim();
    found.hidden = !query;
    main.hidden = Boolean(query);
    if (!query) return;
    const fitting = wordsOf(query).length ? search(query, rows, postings) : [];
    list.replaceChildren(...fitting.slice(0, MOST).map((row) => item(row, root)));
    const count = fitting.length === 1 ? "1 feature" : `${fitting.length.toLocaleString("en")} features`;
    status.textContent = fitting.length > MOST ? `${count}, the first ${MOST}` : count;
  }

  function step(by) {
    const links = [...list.querySelectorAll("a")];
    const place = links.indexOf(document.activeElement) + by;
    if (place < 0) input.focus();
    else links[Math.min(place, links.length - 1)]?.focus();
  }

  document.addEventListener("catalog:renewed", () => {
    loading = null;
    main.hidden = Boolean(input.value.trim());
    if (input.value.trim()) show();
  });
  input.addEventListener("input", show);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") list.querySelector("a")?.click();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      input.focus();
    } else if (event.key === "Escape" && !found.hidden) {
      input.value = "";
      show();
      input.focus();
    } else if (!found.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    }
  });
}

async function copy(button) {
  const code = button.closest("figure").querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch {
    getSelection().selectAllChildren(code);
    document.execCommand("copy");
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

function copying() {
  for (const caption of document.querySelectorAll(".code figcaption")) {
    if (caption.querySelector("button")) continue;
    const said = `Copy: ${caption.textContent}`;
    const button = element("button", { type: "button", class: "copy", "aria-label": said }, "Copy");
    button.addEventListener("click", () => copy(button));
    caption.append(button);
  }
}

function draw(cell) {
  const [version, , , least, most, mean] = [...cell.parentElement.querySelectorAll("td")].map((td) => td.textContent);
  const column = cell.closest("tbody").querySelector("th").textContent;
  const said = `Histogram of ${column}, version ${version}: from ${least} to ${most}, mean ${mean}`;
  const tall = [...cell.dataset.bars].map((digit) => parseInt(digit, 36));
  const bars = tall.map((height, place) => (height ? `M${5 * place} ${TALL}v-${height}h4v${height}z` : ""));
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("class", "histogram");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", said);
  path.setAttribute("d", bars.join(""));
  svg.append(path);
  cell.append(svg);
}

function drawing() {
  document.querySelectorAll("[data-bars]:empty").forEach(draw);
}

function reach(wide) {
  const scrolls = wide.scrollWidth > wide.clientWidth;
  const name = wide.closest("section").getAttribute("aria-labelledby");
  const said = { role: "region", "aria-labelledby": name, tabindex: "0" };
  for (const [key, value] of Object.entries(said)) {
    if (scrolls) wide.setAttribute(key, value);
    else wide.removeAttribute(key);
  }
}

const resized = new ResizeObserver((entries) => entries.forEach((entry) => reach(entry.target)));

function naming() {
  for (const title of document.querySelectorAll("main section > h2")) {
    title.parentElement.setAttribute("aria-labelledby", title.id);
  }
  resized.disconnect();
  document.querySelectorAll("section > .wide:not([aria-label])").forEach((wide) => resized.observe(wide));
}

function finishing() {
  copying();
  drawing();
  naming();
}

searching();
finishing();
document.addEventListener("catalog:renewed", finishing);
