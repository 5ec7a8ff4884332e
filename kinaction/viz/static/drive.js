// The drive: the player's clock. The browser owns it; the notebook hears when it rests.
import { tag } from "./marks.js";
import { icon, isStill, speedText } from "./shell.js";

const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4, 10];
export const SPOKEN_MS = 1500;
const STILL_MS = 900;
const LONG = 100;

export class Drive {
  go(index, isEased = true) {
    const touched = this.film.seek(index);
    this.nowMs = this.film.step?.atMs ?? this.film.startMs;
    this.isSkipping = false;
    this.draw(touched, isEased);
    this.narrate(true);
    this.drawInspector();
    this.sync();
  }

  step(way, count = 1) {
    this.pause();
    this.go(this.film.nextLoud(this.film.at, way, count));
  }

  goTick(way) {
    const seqs = this.film.data.ticks.map(([, seq]) => seq);
    const found =
      way > 0
        ? seqs.find((seq) => seq > this.film.seq)
        : seqs.filter((seq) => seq < this.film.seq).pop();
    this.pause();
    if (found !== undefined) this.go(this.film.indexOfSeq(found));
  }

  play() {
    if (this.isPlaying) return;
    if (this.film.at >= this.film.steps.length - 1) this.go(0, false);
    this.isPlaying = true;
    this.setPlayIcon();
    this.host.changed({ playing: true });
    if (isStill()) this.playStills();
    else this.tick(performance.now(), true);
  }

  // Reduced motion: no flight, one step after another as a still.
  playStills() {
    this.timer = setTimeout(() => {
      if (!this.isPlaying) return;
      this.go(this.film.nextLoud(this.film.at, 1), false);
      if (this.film.at >= this.film.steps.length - 1) this.pause();
      else this.playStills();
    }, STILL_MS);
  }

  tick(time, isFirst) {
    cancelAnimationFrame(this.frame);
    if (!this.isPlaying || !this.isSeen) return;
    const real = isFirst ? 0 : Math.min(100, time - this.lastTime);
    this.lastTime = time;
    this.advance(real);
    if (this.isPlaying) this.frame = requestAnimationFrame((next) => this.tick(next, false));
  }

  // Real milliseconds pass.
  advance(real) {
    const { now, isSkipping } = this.clock.after(this.nowMs, real);
    this.nowMs = now;
    this.isSkipping = isSkipping;
    const index = Math.max(this.film.at, this.film.indexAt(now));
    const touched = this.film.seek(index);
    this.draw(touched, true);
    this.narrate(false);
    if (touched.size && this.selected) this.drawInspector();
    if (now >= this.film.endMs) this.pause();
  }

  pause() {
    if (!this.isPlaying) return;
    this.isPlaying = false;
    this.isSkipping = false;
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.setPlayIcon();
    this.narrate(true);
    this.drawInspector();
    this.draw(new Set(), false);
    this.sync();
  }

  setPlayIcon() {
    const button = this.part(".t-play");
    const name = this.isPlaying ? "pause" : "play";
    button.innerHTML = icon(name, 16);
    button.setAttribute("aria-label", name);
    button.title = name;
  }

  setSpeed(speed, isOwn) {
    this.clock.speed = speed > 0 ? speed : this.usual;
    if (isOwn) this.host.changed({ speed: this.clock.speed });
    else this.fillSpeeds();
  }

  sync() {
    this.host.changed({ step: this.film.seq, playing: this.isPlaying, selected: this.selected });
  }

  narrate(isNow) {
    const now = performance.now();
    if (!isNow && now - this.spokenAt < SPOKEN_MS) return;
    const at = this.film.step?.isQuiet ? this.film.nextLoud(this.film.at, -1) : this.film.at;
    const words = at >= 0 ? this.film.steps[at].words : "The beginning.";
    if (this.part(".words").textContent === words) return;
    this.spokenAt = now;
    this.tell(words);
  }

  // A long sentence is set smaller, so that what is below it stays where it is.
  tell(words) {
    this.part(".words").textContent = words;
    this.part(".words").classList.toggle("long", words.length > LONG);
  }

  say(words) {
    this.spokenAt = performance.now();
    this.saidAt = this.spokenAt;
    this.tell(words);
  }

  fillSpeeds() {
    const mine = speedText(this.clock.speed);
    const speeds = [...SPEEDS.map((factor) => this.usual * factor), 1, this.clock.speed];
    const named = new Map(speeds.map((speed) => [speedText(speed), speed]));
    const options = [...named].sort((one, other) => one[1] - other[1]);
    const html = options.map(([words, speed]) =>
      tag("option", { value: String(speed), selected: words === mine }, words),
    );
    this.part(".speed").innerHTML = html.join("");
  }
}
