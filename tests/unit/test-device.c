/* test-device.c - settings to a device: what is asked for is taken, and auto measures. */
#include "common/fault/fault.h"
#include "common/log/log.h"
#include "common/model/device.h"

static struct device open_with(const char *precision, enum precision learned)
{
	g_autoptr(settings_t) settings = settings_new();
	g_autoptr(GError) error = NULL;
	struct device d;

	g_assert_true(settings_assign(settings, precision, NULL));
	g_assert_true(settings_assign(settings, "device=cpu", NULL));
	g_assert_true(settings_assign(settings, "threads=1", NULL));
	g_assert_true(device_open(settings, learned, TRUE, &d, &error));
	g_assert_no_error(error);
	g_assert_cmpint(d.index, ==, T_CPU);
	g_assert_cmpint(d.threads, ==, 1);
	g_assert_cmpuint(d.flags & SCOPE_CHANNELS_LAST, !=, 0);
	return d;
}

static void test_precision(void)
{
	const struct device fp32 = open_with("precision=fp32", PRECISION_BF16), bf16 = open_with("precision=bf16", PRECISION_FP32);
	const struct device own = open_with("precision=auto", PRECISION_AUTO);
	g_autofree char *plain = device_describe(&fp32), *measured = device_describe(&own);

	g_assert_cmpuint(fp32.flags & SCOPE_BF16, ==, 0);
	g_assert_cmpuint(bf16.flags & SCOPE_BF16, !=, 0);
	g_assert_cmpfloat(fp32.bf16_gain, ==, 0);
	g_assert_cmpfloat(bf16.bf16_gain, ==, 0);
	g_assert_cmpint(own.bf16_gain > 0, ==, tensor_bf16_fast(T_CPU));
	g_assert_cmpint((own.flags & SCOPE_BF16) != 0, ==, own.bf16_gain > 0.8);
	g_assert_true(g_str_has_prefix(plain, "device=cpu precision=fp32 threads=1 libtorch="));
	g_assert_cmpint(strstr(measured, " bf16_gain=") != NULL, ==, own.bf16_gain > 0);
	g_test_message("%s", measured);
}

/* auto is what the weights were learned in, without measuring; fp32 where bf16 would be slow. */
static void test_learned(void)
{
	const struct device fp32 = open_with("precision=auto", PRECISION_FP32), bf16 = open_with("precision=auto", PRECISION_BF16);

	g_assert_cmpuint(fp32.flags & SCOPE_BF16, ==, 0);
	g_assert_cmpfloat(fp32.bf16_gain, ==, 0);
	g_assert_cmpint((bf16.flags & SCOPE_BF16) != 0, ==, tensor_bf16_fast(T_CPU));
	g_assert_cmpfloat(bf16.bf16_gain, ==, 0);
}

/* Training wants the GPU that is named; an answer is better late than not at all. */
static void test_not_there(void)
{
	g_autoptr(settings_t) settings = settings_new();
	g_autoptr(GError) error = NULL;
	struct device d = { .index = 5 };

	g_assert_true(settings_assign(settings, "device=cuda:99", NULL));
	g_assert_false(device_open(settings, PRECISION_FP32, TRUE, &d, &error));
	g_assert_error(error, FAULT, FAULT_USAGE);
	g_assert_true(g_str_has_prefix(error->message, "device: cuda:99: there are "));
	g_assert_true(g_str_has_suffix(error->message, "; use auto or cpu"));
	g_clear_error(&error);
	g_assert_true(device_open(settings, PRECISION_FP32, FALSE, &d, &error));
	g_assert_no_error(error);
	g_assert_cmpint(d.index, ==, tensor_gpus(NULL) > 0 ? 0 : T_CPU);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_open("test", 0);
	g_test_add_func("/device/precision", test_precision);
	g_test_add_func("/device/learned", test_learned);
	g_test_add_func("/device/not-there", test_not_there);
	return g_test_run();
}
