/** One line on a terminal, drawn over itself; nothing where stderr is no terminal. */
export class ProgressLine {
  width = 0;

  show(text) {
    if (!process.stderr.isTTY) return;
    this.clear();
    this.width = text.length;
    process.stderr.write(text);
  }

  clear() {
    if (this.width > 0) process.stderr.write(`\r${' '.repeat(this.width)}\r`);
    this.width = 0;
  }
}
