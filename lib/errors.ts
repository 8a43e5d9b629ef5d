/** Every code a `RequantError` can carry. Stable: programs may branch on it. */
export type ErrorCode =
  | 'ERR_ARGUMENT'
  | 'ERR_SHAPE'
  | 'ERR_DTYPE'
  | 'ERR_NAN_INPUT'
  | 'ERR_OVERFLOW'
  | 'ERR_FORMAT'
  | 'ERR_VERSION'
  | 'ERR_LIMIT'
  | 'ERR_MODEL_KIND'
  | 'ERR_UNSUPPORTED'
  | 'ERR_KERNEL'
  | 'ERR_BINARY'
  | 'ERR_IO'
  | 'ERR_MEMORY'
  | 'ERR_DISPOSED'
  | 'ERR_CLOSED'
  | 'ERR_QUEUE_FULL'
  | 'ERR_TIMEOUT'
  | 'ERR_PEER'
  | 'ERR_DIVERGED';

/** The only class this package throws. The message says what was expected and what came. */
export class RequantError extends Error {
  override readonly name = 'RequantError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** "expected X but received Y", the one shape of messages about bad values. */
export function expected(
  code: ErrorCode,
  what: string,
  received: unknown,
  options?: ErrorOptions,
): RequantError {
  return new RequantError(code, `expected ${what} but received ${describe(received)}`, options);
}

/** A short, safe rendering of any value for a message. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return value.length > 80 ? `'${value.slice(0, 77)}…'` : `'${value}'`;
  if (ArrayBuffer.isView(value)) {
    return `${value.constructor.name} of length ${'length' in value ? value.length : value.byteLength}`;
  }
  if (Array.isArray(value)) return `an array of length ${value.length}`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return String(value);
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === 'string' && name !== 'Object' ? `an instance of ${name}` : 'an object';
}
