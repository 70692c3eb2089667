"use strict";
(() => {
  const news = document.getElementById("news");
  const connection = document.getElementById("connection");
  const source = new EventSource(news.dataset.source);
  source.addEventListener("news", (event) => {
    news.innerHTML = JSON.parse(event.data);
    connection.textContent = "";
  });
  source.addEventListener("end", () => {
    source.close();
    connection.textContent = "This is all: nothing more will come.";
  });
  source.addEventListener("error", () => {
    connection.textContent = "The dashboard does not answer; trying again.";
  });
})();
