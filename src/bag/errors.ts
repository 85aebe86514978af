/** The store does not hold a bag as it was committed; the message says what is wrong and what to do. */
export class BagError extends Error {
  override readonly name = 'BagError'
}
