/** Smaller ones cost little, and may be a part of the pool that Node cuts small buffers from. */
const freedBytesMin = 256 * 1024;

/**
 * Gives the memory behind a view back at once, where V8 would look for it late: it lies outside of its heap. Whoever still has
 * a view of it finds it empty, so this is for the one owner, when it is done.
 */
export function freeBuffer({ buffer }: ArrayBufferView): void {
  if (!(buffer instanceof ArrayBuffer) || buffer.detached || buffer.byteLength < freedBytesMin) return;
  buffer.transfer(0);
}
