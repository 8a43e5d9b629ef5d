import { expected, RequantError } from '../errors';

/** The values a .npy header has: a string, True or False, or a tuple of sizes. */
export type PythonValue = string | boolean | readonly number[];

/**
 * Reads a Python dict literal of such values, by hand: it comes from an untrusted file, so it is never evaluated.
 * @throws {RequantError} ERR_FORMAT, ERR_DTYPE (a list, which only structured NumPy dtypes have)
 */
export function parsePythonDict(text: string): ReadonlyMap<string, PythonValue> {
  return new Parser(tokenize(text)).dict();
}

// Sticky, with no two repetitions side by side: linear in the text.
const TOKEN = /\s*('[^'\\]*'|"[^"\\]*"|\w+|[{}()[\]:,])/y;

function tokenize(text: string): readonly string[] {
  const tokens: string[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  for (let at = 0; at < end; at = TOKEN.lastIndex) {
    const token = TOKEN.exec(text)?.[1];
    if (token === undefined) throw expected('ERR_FORMAT', 'a Python dict literal', text.slice(at, at + 16));
    tokens.push(token);
  }
  return tokens;
}

class Parser {
  private at = 0;

  constructor(private readonly tokens: readonly string[]) {}

  dict(): Map<string, PythonValue> {
    const dict = new Map<string, PythonValue>();
    this.expect('{');
    while (!this.accept('}')) {
      const key = this.string();
      if (key === undefined) throw this.unexpected('a key in quotes');
      if (dict.has(key)) throw expected('ERR_FORMAT', 'each key once', key);
      this.expect(':');
      dict.set(key, this.value());
      if (this.accept(',')) continue;
      this.expect('}');
      break;
    }
    if (this.at !== this.tokens.length) throw this.unexpected('the end of the dict');
    return dict;
  }

  private value(): PythonValue {
    if (this.accept('True')) return true;
    if (this.accept('False')) return false;
    if (this.accept('(')) return this.tuple();
    if (this.accept('['))
      throw new RequantError('ERR_DTYPE', 'expected a plain dtype but received a structured one');
    const text = this.string();
    if (text === undefined) throw this.unexpected('a string, True, False or a tuple');
    return text;
  }

  /** `()`, `(3,)`, `(3, 4)`; `(3)` is a number in Python, not a tuple. */
  private tuple(): number[] {
    const sizes: number[] = [];
    while (!this.accept(')')) {
      sizes.push(this.size());
      if (this.accept(',')) continue;
      if (sizes.length < 2) throw this.unexpected("','");
      this.expect(')');
      break;
    }
    return sizes;
  }

  private size(): number {
    const token = this.tokens[this.at] ?? '';
    const size = Number(token);
    if (!/^(0|[1-9]\d*)$/.test(token) || !Number.isSafeInteger(size)) throw this.unexpected('a safe integer');
    this.at++;
    return size;
  }

  private string(): string | undefined {
    const token = this.tokens[this.at];
    if (!token?.startsWith("'") && !token?.startsWith('"')) return undefined;
    this.at++;
    return token.slice(1, -1);
  }

  private accept(token: string): boolean {
    if (this.tokens[this.at] !== token) return false;
    this.at++;
    return true;
  }

  private expect(token: string): void {
    if (!this.accept(token)) throw this.unexpected(`'${token}'`);
  }

  private unexpected(what: string): RequantError {
    return expected('ERR_FORMAT', `${what} in a Python dict literal`, this.tokens[this.at] ?? 'its end');
  }
}
