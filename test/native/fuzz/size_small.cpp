#include "size.h"

const bool requant::fuzz::kSmall = true;
