// Does any text lie on another, on a token or a line, or leave its picture? Run in the page.
() => {
  const found = [];
  let least = 99;
  let texts = 0;
  const ink = (b) => ({
    l: b.left + 0.5,
    r: b.right - 0.5,
    t: b.top + b.height * 0.24,
    b: b.bottom - b.height * 0.22,
  });
  const hit = (p, q) => p.l < q.r && q.l < p.r && p.t < q.b && q.t < p.b;
  for (const svg of document.querySelectorAll(
    ".kinaction svg.stage, .kinaction svg.time, .kinaction svg.strip",
  )) {
    const box = svg.getBoundingClientRect();
    const all = [...svg.querySelectorAll("text")]
      .filter((text) => text.textContent.trim())
      .map((text) => ({ text, box: text.getBoundingClientRect(), words: text.textContent }));
    texts += all.length;
    for (const { text, box: own, words } of all) {
      least = Math.min(least, parseFloat(getComputedStyle(text).fontSize));
      if (own.right > box.right + 1 || own.left < box.left - 1) found.push("OUT " + words);
    }
    for (let one = 0; one < all.length; one++)
      for (let other = one + 1; other < all.length; other++)
        if (hit(ink(all[one].box), ink(all[other].box)))
          found.push(`TEXT ${all[one].words} | ${all[other].words}`);
    const tokens = [...svg.querySelectorAll(".token")].map((token) => {
      const b = token.querySelector(".tok").getBoundingClientRect();
      return { token, box: { l: b.left, r: b.right, t: b.top, b: b.bottom } };
    });
    for (const { token, box: own } of tokens) {
      const label = token.querySelector("text")?.getBoundingClientRect();
      if (label && label.width > own.r - own.l) found.push("TIGHT " + token.textContent);
      for (const { text, box: other, words } of all)
        if (!token.contains(text) && hit(own, ink(other)))
          found.push(`TOKEN ${token.textContent} | ${words}`);
    }
    for (let one = 0; one < tokens.length; one++)
      for (let other = one + 1; other < tokens.length; other++)
        if (hit(tokens[one].box, tokens[other].box)) found.push("TOKENS");
    for (const line of svg.querySelectorAll(".hwthin, .rail, .trail, .ahead, .group")) {
      if (svg.matches(".strip")) continue;
      const matrix = line.getScreenCTM();
      const length = line.getTotalLength();
      for (let at = 0; at <= length; at += 3) {
        const p = line.getPointAtLength(at).matrixTransform(matrix);
        for (const { text, box: b, words } of all)
          if (
            !text.closest(".token") &&
            p.x > b.left + 1 &&
            p.x < b.right - 1 &&
            p.y > b.top + 4 &&
            p.y < b.bottom - 4
          )
            found.push(`LINE ${line.getAttribute("class")} | ${words}`);
      }
    }
  }
  return { found: [...new Set(found)], least, texts };
};
