// The present for ages and countdowns ("42 s"), renewed each second while somebody looks.
class Clock {
  now_ms = $state(Date.now());

  constructor() {
    window.setInterval(() => {
      if (!document.hidden) this.now_ms = Date.now();
    }, 1000);
    document.addEventListener("visibilitychange", () => (this.now_ms = Date.now()));
  }
}

export const clock = new Clock();
