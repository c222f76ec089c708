/* pppd plugin: asks for stateful MPPE (RFC 3078 section 3), which stock pppd takes when the other
 * end asks and never asks for itself. To be named after the MPPE options. */
#include "pppd/pppd.h"
#include "pppd/fsm.h"
#include "pppd/ccp.h"
#include "pppd/mppe.h"

char pppd_version[] = VERSION;

static void ask(void *context, int phase)
{
	if (ccp_wantoptions[0].mppe)
		ccp_wantoptions[0].mppe |= MPPE_OPT_STATEFUL;
}

void plugin_init(void)
{
	add_notifier(&phasechange, ask, NULL);
}
