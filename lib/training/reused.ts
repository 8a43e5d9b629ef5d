/** Memory for arrays that live for a step: what is in them is left over from before. */
export class Reused {
  private memory = new Float32Array(0);

  of(length: number): Float32Array {
    if (this.memory.length < length) this.memory = new Float32Array(length);
    return this.memory.subarray(0, length);
  }
}
