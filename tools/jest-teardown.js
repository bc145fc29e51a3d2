/** Ends what jest-setup.js started. */
export default async function teardown() {
  await Promise.all((globalThis.caratTestBed ?? []).map((part) => part.stop()));
}
