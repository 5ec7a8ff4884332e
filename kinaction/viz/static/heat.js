// The heat matrix: one small cell a replica, brokers in trouble first; the marks of heat.py.

export function heatMarks(view) {
  const { layout, scene, plan } = view;
  const shown = layout.rows.length;
  const isMore = plan.brokers.length > 12;
  const rows = byTrouble(scene, layout, plan).slice(0, isMore ? 12 : shown);
  const marks = [];
  layout.slots.forEach((slot, at) => {
    const partition = slot.key.slice(slot.key.lastIndexOf("-") + 1);
    if (at % 5 === 0) marks.push(["text", "m mid", slot.x + slot.cell / 2, 34, partition]);
  });
  rows.forEach(([broker], at) => {
    const y = layout.rows[at];
    const status = scene[`row/${broker}`]?.status ?? "absent";
    marks.push([
      "text",
      status === "offline" ? "err b" : "m",
      layout.x0 + 2,
      y + 11,
      layout.is_narrow ? `b${broker}` : `broker ${broker}`,
    ]);
    for (const slot of layout.slots)
      marks.push(
        ...cellMarks(
          slot,
          y,
          scene[`tape/${slot.key}/${broker}`],
          scene[`col/${slot.key}`],
          broker,
        ),
      );
  });
  if (isMore) {
    const rest = byTrouble(scene, layout, plan).slice(12);
    const trouble = rest.filter(([, held]) => held > 0).length;
    marks.push([
      "text",
      "m",
      layout.x0 + 2,
      layout.rows[shown - 1] + 11,
      `${rest.length} more brokers, ${trouble} of them in trouble`,
    ]);
  }
  return marks;
}

function cellMarks(slot, y, tape, column, broker) {
  if (!tape || !column) return [];
  const lag = Math.max(0, column.top - tape.end);
  const level = lag === 0 ? 0 : lag < 2 ? 1 : lag < 10 ? 2 : lag < 100 ? 3 : 4;
  const isIn = column.isr.includes(broker);
  const marks = [["rect", isIn ? `heat${level}` : "out", slot.x, y, slot.cell, slot.cell, 2]];
  if (tape.mark === "leader") marks.push(["path", "isr", `M${slot.x} ${y}h6l-6 6z`]);
  if (tape.dead) marks.push(["path", "cross", `M${slot.x + 3} ${y + 3}l6 6m0 -6l-6 6`]);
  return marks;
}

// [broker, trouble], the worst first: offline counts most, then replicas out of the ISR, then lag.
export function byTrouble(scene, layout, plan) {
  const scored = plan.brokers.map((broker) => {
    let trouble = scene[`row/${broker}`]?.status === "offline" ? 1000000 : 0;
    for (const slot of layout.slots) {
      const tape = scene[`tape/${slot.key}/${broker}`];
      const column = scene[`col/${slot.key}`];
      if (!tape || !column) continue;
      trouble +=
        (column.isr.includes(broker) ? 0 : 1000) +
        Math.min(999, Math.max(0, column.top - tape.end));
    }
    return [broker, trouble];
  });
  return scored.sort((one, other) => other[1] - one[1] || one[0] - other[0]);
}
