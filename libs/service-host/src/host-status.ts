/** What the operational routes tell of the process. It fills as the process starts. */
export class HostStatus {
  /** True once every part runs. */
  started = false;
  /** Parts that stopped by themselves, and why. */
  readonly alarms = new Map<string, Error>();
  /** The OpenAPI document, built when it is first asked for. */
  openApi: () => object = () => ({});
  /** The rules in force, as GET /v1/config shows them. */
  rules: Readonly<Record<string, string | number>> = {};
}
