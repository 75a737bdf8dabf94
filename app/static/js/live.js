// The connection by which the hub tells what happens. It is made again for ever, with growing pauses, and always says where it stands.

const FIRST_PAUSE_MS = 500, LONGEST_PAUSE_MS = 5_000;
// A hidden page lets its connection go after this time: each one holds a thread of the hub, and browsers allow six to a host.
const HIDDEN_MS = 30_000;

export class Live {
  #source = null;
  #timer = 0;
  #hidden = 0;
  #failures = 0;

  /**
   * opened(): connected, read the state; returns a promise that fails when it cannot be read.
   * happened(event), reset(): what comes. state(name, retryAt): connecting, live, reconnecting or paused.
   */
  constructor(address, topics, { opened, happened, reset, state }) {
    this.address = `${address}?topics=${topics.join(",")}`;
    this.topics = topics;
    Object.assign(this, { opened, happened, reset, state });
    document.addEventListener("visibilitychange", () => this.#seen(!document.hidden));
    window.addEventListener("online", () => this.#now());
    // A page that is being left must not paint the end of its connection as a failure.
    window.addEventListener("pagehide", () => this.#drop());
    window.addEventListener("pageshow", (event) => event.persisted && this.connect());
  }

  connect() {
    this.#drop();
    this.state(this.#failures ? "reconnecting" : "connecting", 0);
    const source = (this.#source = new EventSource(this.address));
    const mine = (act) => (message) => source === this.#source && act(message);
    source.onopen = mine(() => this.#opened(source));
    source.onerror = mine(() => this.again());
    for (const topic of this.topics) source.addEventListener(topic, mine((message) => this.happened(JSON.parse(message.data))));
    source.addEventListener("reset", mine(() => this.reset()));
  }

  async #opened(source) {
    // Connected first, read second: whatever happens in between comes as an event.
    if (!(await this.opened())) return source === this.#source && this.again();
    if (source !== this.#source) return undefined;
    this.#failures = 0;
    return this.state("live", 0);
  }

  /** Give this connection up and make another one after a pause. */
  again() {
    this.#drop();
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LONGEST_PAUSE_MS) * (0.8 + 0.4 * Math.random());
    this.#failures += 1;
    this.#timer = setTimeout(() => this.connect(), pause);
    this.state("reconnecting", Date.now() + pause);
  }

  #now() {
    if (this.#source === null && !document.hidden) this.connect();
  }

  #seen(visible) {
    clearTimeout(this.#hidden);
    if (visible) return this.#now();
    this.#hidden = setTimeout(() => {
      this.#drop();
      this.state("paused", 0);
    }, HIDDEN_MS);
    return undefined;
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }
}
