/* pppd plugin: wants stateful MPPE (RFC 3078 section 3) as older clients do. Stock pppd takes it
 * when the other end insists and never asks for it itself. */
#include <linux/ppp-comp.h>
#include "pppd/pppd.h"
#include "pppd/fsm.h"
#include "pppd/ccp.h"
#include "pppd/mppe.h"

char pppd_version[] = VERSION;

static fsm_callbacks *stock, ours;
static int naks;

/* Our request is said again as it was. */
static int keep_asking(fsm *f, u_char *options, int length, int treat_as_reject)
{
	return 1;
}

/* A request for stateless mode gets stateful back, three times at most. */
static int nak_stateless(fsm *f, u_char *options, int *length, int reject_if_disagree)
{
	int code = stock->reqci(f, options, length, reject_if_disagree);

	if (code != CONFACK || *length < CILEN_MPPE || options[0] != CI_MPPE)
		return code;
	if (!(options[2] & MPPE_H_BIT) || naks++ == 3)
		return code;
	options[2] &= ~MPPE_H_BIT;
	return CONFNAK;
}

static void want_stateful(void *context, int phase)
{
	if (!ccp_wantoptions[0].mppe || stock)
		return;
	ccp_wantoptions[0].mppe |= MPPE_OPT_STATEFUL;
	stock = ccp_fsm[0].callbacks;
	ours = *stock;
	ours.nakci = keep_asking;
	ours.reqci = nak_stateless;
	ccp_fsm[0].callbacks = &ours;
}

void plugin_init(void)
{
	add_notifier(&phasechange, want_stateful, NULL);
}
