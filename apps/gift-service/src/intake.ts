/** The topic on which upstream asks for gifts, and the group that takes them in. */
export const INTAKE_TOPIC = 'gift.requests.v1';
export const INTAKE_GROUP = 'carat.gift.intake';
