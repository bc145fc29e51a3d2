/** A sum of whole numbers, exact however large it is: it is a number for as long as one can say it. */
export class WholeSum {
  private small = 0;
  private large = 0n;

  /** @param more a safe integer */
  add(more: number): void {
    const sum = this.small + more;
    if (Number.isSafeInteger(sum)) this.small = sum;
    else {
      this.large += BigInt(this.small) + BigInt(more);
      this.small = 0;
    }
  }

  get value(): bigint {
    return this.large + BigInt(this.small);
  }
}
