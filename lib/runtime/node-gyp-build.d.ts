declare module 'node-gyp-build' {
  /** Loads the binary that fits the running platform. */
  function load(packageRoot: string): unknown;
  namespace load {
    function resolve(packageRoot: string): string;
  }
  export = load;
}
